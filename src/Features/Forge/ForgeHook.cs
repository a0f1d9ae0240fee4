using System.Net;
using System.Text.Json;

namespace Hive.Features.Forge;

/// <summary>
/// Has the forge tell Hive what happens, by one webhook of the whole system, where <c>Forge:WebhookUrl</c> says how the
/// forge reaches Hive.
/// A forge does not say which secret a webhook signs with, and takes no other for one that is there: where a signature
/// was wrong, the webhook is made anew.
/// </summary>
internal sealed class ForgeHook(ForgeSettings settings, ForgeApi api, WebhookSecret secret, TimeProvider clock)
{
    // Anybody can sign wrongly, and another webhook may as well.
    private static readonly TimeSpan BetweenRenewals = TimeSpan.FromHours(1);

    private static readonly string[] Events =
    [
        "pull_request",
        "pull_request_review_request",
        "pull_request_comment",
        "pull_request_review",
        "issues",
        "issue_comment",
    ];

    private volatile bool isDoubted;
    private bool isThere;
    private DateTimeOffset mayRenewAt;

    /// <summary>It is not known to be there, or may sign with another secret than Hive's.</summary>
    public bool NeedsLook => settings.WebhookUrl is not null && (!isThere || IsDoubted);

    private bool IsDoubted => isDoubted && clock.GetUtcNow() >= mayRenewAt;

    /// <summary>Says that something came with a wrong signature.</summary>
    public void Doubt() => isDoubted = true;

    /// <summary>Makes the webhook unless there is one that is not doubted, and removes those before it.</summary>
    /// <exception cref="ForgeFault">It cannot be made.</exception>
    public async Task Ensure(ForgeLogin core, CancellationToken ct)
    {
        isThere = false;
        if (secret.Ensure())
            isDoubted = true;
        if (settings.WebhookUrl is not { } url)
            return;
        var listed = await api.Send(HttpMethod.Get, "admin/hooks?limit=50", core, null, ct);
        if (!listed.IsSuccess)
            throw listed.Refusal("list its webhooks");
        var there = listed.Body is { ValueKind: JsonValueKind.Array } hooks
            ? hooks.EnumerateArray().Where(h => UrlOf(h) == url).Select(IdOf).ToArray()
            : [];
        // Its numbers only grow.
        var current = there.Length > 0 && !IsDoubted ? there.Max() : await Make(url, there.Length > 0, core, ct);
        foreach (var id in there.Where(id => id != current))
        {
            var removed = await api.Send(HttpMethod.Delete, $"admin/hooks/{id}", core, null, ct);
            if (!removed.IsSuccess && removed.Status != HttpStatusCode.NotFound)
                throw removed.Refusal("remove a webhook for Hive that there is another for");
        }

        isThere = true;
    }

    private async Task<long> Make(string url, bool again, ForgeLogin core, CancellationToken ct)
    {
        var key = secret.Read()!;
        // Both Forgejo and Gitea know this type, and Forgejo signs it in both ways.
        var hook = new
        {
            type = "gitea",
            active = true,
            events = Events,
            config = new Dictionary<string, string>
            {
                ["url"] = url,
                ["content_type"] = "json",
                ["secret"] = key,
                ["is_system_webhook"] = "true",
            },
        };
        var made = await api.Send(HttpMethod.Post, "admin/hooks", core, hook, ct, key);
        if (!made.IsSuccess)
            throw made.Refusal("make the webhook for Hive");
        isDoubted = false;
        if (again)
            mayRenewAt = clock.GetUtcNow() + BetweenRenewals;
        return IdOf(made.Body ?? default);
    }

    private static long IdOf(JsonElement hook) =>
        hook.ValueKind == JsonValueKind.Object
        && hook.TryGetProperty("id", out var id)
        && id.ValueKind == JsonValueKind.Number
        && id.TryGetInt64(out var number)
            ? number
            : throw new ForgeFault("the forge lists a webhook for Hive without its number", FaultScope.One);

    private static string? UrlOf(JsonElement hook) =>
        hook.ValueKind == JsonValueKind.Object
        && hook.TryGetProperty("config", out var config)
        && config.ValueKind == JsonValueKind.Object
        && config.TryGetProperty("url", out var url)
            ? url.ToString()
            : null;
}
