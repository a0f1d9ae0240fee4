using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Costs.Contracts;
using Hive.Features.Tasks;
using Hive.Features.Turns.Contracts;
using Hive.Protocol;
using Hive.Tests.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Turning = Hive.Tests.Turns.Turning;

namespace Hive.Tests.Costs;

/// <summary>Helpers for tests of costs and budgets.</summary>
internal static class CostRig
{
    /// <summary>Costs 5 US dollars per million tokens of input and 25 of output.</summary>
    public const string Priced = "claude-opus-4-5-x";

    /// <summary>The estimate of an unknown run: 5,000 tokens at the assumed price, times 1.2.</summary>
    public const double UsualUsd = 0.054;

    /// <summary>Ends a turn with figures.</summary>
    public static Task End(
        this TaskRig rig,
        string agent,
        long turn,
        double? usd = null,
        string result = "ok",
        string? model = null,
        long? input = null,
        long? output = null
    ) =>
        rig.Of(agent)
            .CallAsync(
                "end_turn",
                new
                {
                    turn,
                    result,
                    model,
                    input_tokens = input,
                    output_tokens = output,
                    cost_usd = usd,
                }
            );

    /// <summary>A turn without a task, with tokens of output.</summary>
    public static Task Talk(this TaskRig rig, string agent, long output) =>
        Turning.Turned(rig.Hive, rig.Of(agent), agent, model: Priced, output: output);

    public static Task<JsonElement> Get(this TaskRig rig, string path) => Turning.Get(rig.Hive, path);

    public static Task<(System.Net.HttpStatusCode Status, string Code, string Title)> Post(
        this TaskRig rig,
        string path,
        object body
    ) => Turning.Post(rig.Hive, path, body);

    /// <summary>Completes a task in a turn of its own, which costs that much.</summary>
    public static async Task Complete(this TaskRig rig, long task, string agent, double usd)
    {
        var turn = await rig.Run(task, agent);
        await rig.Of(agent).CallAsync("complete_task", new { task, summary = "done" });
        await rig.End(agent, turn, usd);
    }

    public static async Task<JsonElement> Costs(this TaskRig rig, string scope = "global", object? id = null) =>
        (await rig.Host.CallAsync("costs", new { scope, scope_id = id?.ToString() })).GetProperty("costs");

    public static async Task<JsonElement[]> Records(this TaskRig rig, string scope = "global", object? id = null) =>
        [
            .. (await rig.Host.CallAsync("cost_records", new { scope, scope_id = id?.ToString() }))
                .GetProperty("records")
                .EnumerateArray(),
        ];

    /// <summary>Sets a budget in US dollars.</summary>
    public static async Task<JsonElement> Limit(
        this TaskRig rig,
        double usd,
        string scope = "global",
        object? id = null,
        string period = "once",
        string onExceed = "hold"
    ) =>
        (
            await rig.Host.CallAsync(
                "budget_set",
                new
                {
                    scope,
                    scope_id = id?.ToString(),
                    limit_usd = usd,
                    period,
                    on_exceed = onExceed,
                }
            )
        ).GetProperty("budget");

    public static async Task<JsonElement> Budget(this TaskRig rig) =>
        Assert.Single((await rig.Host.CallAsync("budgets")).GetProperty("budgets").EnumerateArray().ToArray());

    public static double Usd(this JsonElement row, string name) =>
        row.TryGetProperty(name, out var member) ? member.GetDouble() : 0;

    /// <summary>The events of messages about budgets that the operator has, oldest first.</summary>
    public static async Task<string[]> Told(this TaskRig rig) =>
        [
            .. (await rig.Hive.State())
                .GetProperty("inbox")
                .EnumerateArray()
                .Select(m => JsonElement.Parse(m.GetProperty("body").GetString()!).GetProperty("event").GetString()!)
                .Where(e => e.StartsWith("budget_", StringComparison.Ordinal)),
        ];
}

/// <summary>Checks at every claim and at every booking that the first global budget keeps its bound: it has spent at
/// most its limit and what the runs that were open at the last claim cost beyond their reservations.</summary>
internal sealed class BoundWatch : IClaims, ITurnEnded
{
    private Dictionary<long, long> reserved = [];
    private long lastBooking;

    public Claims? Claims { get; set; }

    public string? Fault { get; private set; }

    public int Claimed { get; private set; }

    public int Refused { get; private set; }

    public static void Register(IServiceCollection services, BoundWatch watch) =>
        services
            .AddSingleton<IClaims>(provider =>
            {
                watch.Claims = provider.GetRequiredService<Claims>();
                return watch;
            })
            .AddSingleton<ITurnEnded>(watch);

    public ClaimResult Claim(IWrite write, long task, string agent)
    {
        var result = Claims!.Claim(write, task, agent);
        if (result != ClaimResult.Claimed)
        {
            Refused++;
            return result;
        }

        Claimed++;
        if (Read(write) is not var (id, limit, spent, held))
            return result;
        if (spent + held > limit)
            Fault ??= $"task {task} was given with {spent} spent and {held} reserved of {limit}";
        reserved = write
            .Db.Query<(long Run, long Micro)>("SELECT run, micro FROM reservations WHERE budget = @id", new { id })
            .ToDictionary(r => r.Run, r => r.Micro);
        lastBooking = write.Db.ExecuteScalar<long?>("SELECT max(id) FROM bookings") ?? 0;
        return result;
    }

    public ClaimResult HoldFor(IWrite write, long task, IReadOnlyList<string> agents)
    {
        Refused++;
        return Claims!.HoldFor(write, task, agents);
    }

    public bool LetGo(IWrite write, long task) => Claims!.LetGo(write, task);

    public void Ended(IWrite write, TurnView turn, TurnView? before)
    {
        if (Read(write) is not var (_, limit, spent, _))
            return;
        var beyond = write
            .Db.Query<(long Run, long Micro)>(
                "SELECT run, sum(micro) FROM bookings WHERE id > @lastBooking AND run IS NOT NULL GROUP BY run",
                new { lastBooking }
            )
            .Sum(b => Math.Max(0, b.Micro - reserved.GetValueOrDefault(b.Run)));
        if (spent > limit + beyond)
            Fault ??= $"{spent} is spent of {limit} after turn {turn.Id}, and the open runs cost {beyond} beyond";
    }

    private static (long Id, long Limit, long Spent, long Reserved)? Read(IWrite write)
    {
        var row = write.Db.QueryFirstOrDefault<(long, long, long, long)>(
            "SELECT id, limit_micro, spent_micro, reserved_micro FROM budgets WHERE scope = 'global' ORDER BY id"
        );
        return row.Item1 == 0 ? null : row;
    }
}
