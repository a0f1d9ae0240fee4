using System.Net;
using System.Text.Json;

namespace Hive.Features.Forge;

/// <summary>
/// Ensures one system webhook on the forge that reports events to Hive, if <c>Forge:WebhookUrl</c> is set. A forge
/// neither shows nor changes the secret of a webhook, so after a wrong signature the webhook is recreated.
/// </summary>
internal sealed class ForgeHook(ForgeSettings settings, ForgeApi api, WebhookSecret secret, TimeProvider clock)
{
    // Anybody can send a wrong signature, and so can another webhook.
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

    /// <summary>True when the webhook may be missing, or may sign with another secret.</summary>
    public bool NeedsLook => settings.WebhookUrl is not null && (!isThere || IsDoubted);

    private bool IsDoubted => isDoubted && clock.GetUtcNow() >= mayRenewAt;

    /// <summary>Notes that a request had a wrong signature.</summary>
    public void Doubt() => isDoubted = true;

    /// <summary>Creates the webhook unless one exists that is not doubted, and removes older ones.</summary>
    /// <exception cref="ForgeFault">It cannot be created.</exception>
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
        // The ids only grow.
        var current = there.Length > 0 && !IsDoubted ? there.Max() : await Make(url, there.Length > 0, core, ct);
        foreach (var id in there.Where(id => id != current))
        {
            var removed = await api.Send(HttpMethod.Delete, $"admin/hooks/{id}", core, null, ct);
            if (!removed.IsSuccess && removed.Status != HttpStatusCode.NotFound)
                throw removed.Refusal("remove an older webhook for Hive");
        }

        isThere = true;
    }

    private async Task<long> Make(string url, bool again, ForgeLogin core, CancellationToken ct)
    {
        var key = secret.Read()!;
        // Forgejo and Gitea both know this type, and Forgejo sends both signature headers for it.
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
            throw made.Refusal("create the webhook for Hive");
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
            : throw new ForgeFault("the forge lists a webhook for Hive without an id", FaultScope.One);

    private static string? UrlOf(JsonElement hook) =>
        hook.ValueKind == JsonValueKind.Object
        && hook.TryGetProperty("config", out var config)
        && config.ValueKind == JsonValueKind.Object
        && config.TryGetProperty("url", out var url)
            ? url.ToString()
            : null;
}
