using System.Text.Json;

namespace Hive.Features.Forge;

/// <summary>Has the forge tell Hive what happens, by one webhook of the whole system, where <c>Forge:WebhookUrl</c> says how the forge reaches Hive.</summary>
internal sealed class ForgeHook(ForgeSettings settings, ForgeApi api, WebhookSecret secret)
{
    private static readonly string[] Events = ["pull_request", "pull_request_review_request", "pull_request_comment", "pull_request_review", "issues", "issue_comment"];

    /// <summary>Makes the webhook unless there is one.</summary>
    /// <exception cref="ForgeFault">It cannot be made.</exception>
    public async Task Ensure(ForgeLogin core, CancellationToken ct)
    {
        var isNew = secret.Ensure();
        if (settings.WebhookUrl is not { } url)
            return;
        var listed = await api.Send(HttpMethod.Get, "admin/hooks?limit=50", core, null, ct);
        if (!listed.IsSuccess)
            throw listed.Refusal("list its webhooks");
        var id = listed.Body is { ValueKind: JsonValueKind.Array } hooks ? hooks.EnumerateArray().Where(h => UrlOf(h) == url).Select(h => (long?)h.GetProperty("id").GetInt64()).FirstOrDefault() : null;
        // One that signs with another secret would be refused.
        if (id is not null && !isNew)
            return;
        // Both Forgejo and Gitea know this type, and Forgejo signs it in both ways.
        var hook = new { type = "gitea", active = true, events = Events, config = new Dictionary<string, string> { ["url"] = url, ["content_type"] = "json", ["secret"] = secret.Read()!, ["is_system_webhook"] = "true" } };
        var made = id is null ? await api.Send(HttpMethod.Post, "admin/hooks", core, hook, ct) : await api.Send(HttpMethod.Patch, $"admin/hooks/{id}", core, hook, ct);
        if (!made.IsSuccess)
            throw made.Refusal("make the webhook for Hive");
    }

    private static string? UrlOf(JsonElement hook) =>
        hook.ValueKind == JsonValueKind.Object && hook.TryGetProperty("config", out var config) && config.ValueKind == JsonValueKind.Object && config.TryGetProperty("url", out var url) ? url.ToString() : null;
}
