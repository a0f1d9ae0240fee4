using System.Net;
using System.Text.Json;

namespace Hive.Features.Forge;

/// <summary>
/// Has the forge tell Hive what happens, by one webhook of the whole system, where <c>Forge:WebhookUrl</c> says how the forge reaches Hive.
/// A forge does not say which secret a webhook signs with, and takes no other for one that is there: where a signature was wrong, the webhook is made anew.
/// </summary>
internal sealed class ForgeHook(ForgeSettings settings, ForgeApi api, WebhookSecret secret, TimeProvider clock)
{
    // Anybody can sign wrongly, and another webhook may as well.
    private static readonly TimeSpan BetweenRenewals = TimeSpan.FromHours(1);

    private static readonly string[] Events = ["pull_request", "pull_request_review_request", "pull_request_comment", "pull_request_review", "issues", "issue_comment"];

    private volatile bool isDoubted;
    private DateTimeOffset mayRenewAt;

    /// <summary>It may sign with another secret than Hive's, and is to be looked after.</summary>
    public bool IsDoubted => isDoubted && settings.WebhookUrl is not null && clock.GetUtcNow() >= mayRenewAt;

    /// <summary>Says that something came with a wrong signature.</summary>
    public void Doubt() => isDoubted = true;

    /// <summary>Makes the webhook unless there is one that is not doubted.</summary>
    /// <exception cref="ForgeFault">It cannot be made.</exception>
    public async Task Ensure(ForgeLogin core, CancellationToken ct)
    {
        if (secret.Ensure())
            isDoubted = true;
        if (settings.WebhookUrl is not { } url)
            return;
        var listed = await api.Send(HttpMethod.Get, "admin/hooks?limit=50", core, null, ct);
        if (!listed.IsSuccess)
            throw listed.Refusal("list its webhooks");
        var there = listed.Body is { ValueKind: JsonValueKind.Array } hooks ? hooks.EnumerateArray().Where(h => UrlOf(h) == url).Select(h => h.GetProperty("id").GetInt64()).ToArray() : [];
        if (there.Length > 0 && !IsDoubted)
            return;
        foreach (var id in there)
        {
            var removed = await api.Send(HttpMethod.Delete, $"admin/hooks/{id}", core, null, ct);
            if (!removed.IsSuccess && removed.Status != HttpStatusCode.NotFound)
                throw removed.Refusal("remove a webhook that signs with another secret");
        }

        // Both Forgejo and Gitea know this type, and Forgejo signs it in both ways.
        var hook = new { type = "gitea", active = true, events = Events, config = new Dictionary<string, string> { ["url"] = url, ["content_type"] = "json", ["secret"] = secret.Read()!, ["is_system_webhook"] = "true" } };
        var made = await api.Send(HttpMethod.Post, "admin/hooks", core, hook, ct);
        if (!made.IsSuccess)
            throw made.Refusal("make the webhook for Hive");
        isDoubted = false;
        if (there.Length > 0)
            mayRenewAt = clock.GetUtcNow() + BetweenRenewals;
    }

    private static string? UrlOf(JsonElement hook) =>
        hook.ValueKind == JsonValueKind.Object && hook.TryGetProperty("config", out var config) && config.ValueKind == JsonValueKind.Object && config.TryGetProperty("url", out var url) ? url.ToString() : null;
}
