using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Waiting;

/// <summary>Steps that several tests of the list share.</summary>
internal static class WaitingRig
{
    public static WaitingView[] WaitingRows(this JsonElement answer) =>
        answer.GetProperty("waiting").Deserialize<WaitingView[]>(WireJson.Options)!;

    public static async Task<WaitingView[]> Waiting(this HiveFixture hive, string query = "") =>
        (await hive.Http().GetFromJsonAsync<JsonElement>($"/api/waiting{query}")).WaitingRows();

    public static async Task<string[]> Keys(this HiveFixture hive, string query = "") =>
        [.. (await hive.Waiting(query)).Select(row => row.Key)];

    public static async Task<WaitingView> Row(this HiveFixture hive, string key) =>
        (await hive.Waiting()).Single(row => row.Key == key);

    /// <summary>Posts a verb of a row; the error's code and text, or null.</summary>
    public static async Task<string?> Mark(this HiveFixture hive, string key, string verb, object? fields = null)
    {
        using var answer = await hive.Http()
            .PostAsJsonAsync($"/api/waiting/{key}/{verb}", fields ?? new { }, WireJson.Options);
        return answer.IsSuccessStatusCode ? null : await Refusal(answer);
    }

    /// <summary>Reads one row; its title, or the error's code and text.</summary>
    public static async Task<string> Find(this HiveFixture hive, string key)
    {
        using var answer = await hive.Http().GetAsync($"/api/waiting/{key}");
        if (!answer.IsSuccessStatusCode)
            return await Refusal(answer);
        var row = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("waiting");
        return row.GetProperty("title").GetString()!;
    }

    private static async Task<string> Refusal(HttpResponseMessage answer)
    {
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return $"{problem.GetProperty("code").GetString()}: {problem.GetProperty("title").GetString()}";
    }

    public static Task<string?> Snooze(this HiveFixture hive, string key, TimeSpan after) =>
        hive.Mark(key, "snooze", new { until_at = hive.Clock.GetUtcNow() + after });

    /// <summary>The next event of the list: <c>+ key</c>, or <c>- key</c>.</summary>
    public static async Task<string> NextWaiting(this EventReader events)
    {
        var next = await events.Next("waiting_changed", "waiting_removed");
        return next.TryGetProperty("waiting", out var row)
            ? $"+ {row.GetProperty("key").GetString()}"
            : $"- {next.GetProperty("key").GetString()}";
    }

    /// <summary>The same, while the clock moves: agents' rows change at most four times a second.</summary>
    public static async Task<string> NextWaiting(this HiveFixture hive, EventReader events, double step = 0.25)
    {
        var next = events.NextWaiting();
        await hive.Clock.AdvanceUntil(next, TimeSpan.FromSeconds(step));
        return await next;
    }

    public static string Text(this long id) => id.ToString(CultureInfo.InvariantCulture);
}
