using System.Text.Json;
using Hive.Common.Storage;
using Hive.Features.Gates;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Tickets;

/// <summary>Makes, moves and reads tickets in tests.</summary>
internal static class Ticketing
{
    /// <summary>A workflow in which a ticket leaves Todo by hand, waits at the gate of Build, and goes on to Test by
    /// itself.</summary>
    public const string Ways = """
        name: ways
        phases:
          - id: PHASE_TODO
            name: Todo
            status: backlog
            allowed_transitions: [PHASE_BUILD]
          - id: PHASE_BUILD
            name: Build
            status: building
            allowed_transitions: [PHASE_TEST, PHASE_TODO]
            next: PHASE_TEST
            gate: { criteria: [{ operator: Built? }] }
          - id: PHASE_TEST
            name: Test
            status: testing
            allowed_transitions: [PHASE_END, PHASE_BUILD]
          - id: PHASE_END
            name: End
            terminal: true
          - id: PHASE_BLOCKED
            name: Blocked
        board_columns:
          - { id: todo, name: Todo, phase_mapping: [PHASE_TODO] }
          - { id: build, name: Build, phase_mapping: [PHASE_BUILD], wip_limit: 3 }
          - { id: test, name: Test, phase_mapping: [PHASE_TEST], wip_limit: 1 }
          - { id: end, name: End, phase_mapping: [PHASE_END], terminal: true }
          - { id: blocked, name: Blocked, phase_mapping: [PHASE_BLOCKED] }
        """;

    /// <summary>A connection to the host socket of a Hive whose default workflow is <see cref="Ways"/>, or another
    /// one.</summary>
    public static async Task<LineClient> Board(this HiveFixture hive, string text = Ways)
    {
        var host = await hive.Operator();
        await host.CallAsync("workflow_load", new { text, @default = true });
        return host;
    }

    public static async Task<long> Create(this LineClient host, string title = "Log in", object? fields = null)
    {
        var all = fields is null ? [] : JsonSerializer.SerializeToNode(fields, WireJson.Options)!.AsObject();
        all["title"] = title;
        return (await host.CallAsync("ticket_create", all)).GetProperty("ticket").GetProperty("id").GetInt64();
    }

    /// <summary>Makes a ticket and moves it to Build.</summary>
    public static async Task<long> CreateInBuild(this LineClient host, string title = "Log in", object? fields = null)
    {
        var id = await host.Create(title, fields);
        await host.Move(id, "PHASE_BUILD");
        return id;
    }

    /// <summary>Makes a ticket and moves it to the end.</summary>
    public static async Task<long> CreateDone(this LineClient host)
    {
        var id = await host.Create();
        await host.CallAsync(
            "ticket_move",
            new
            {
                id,
                to_phase = "PHASE_END",
                force = true,
                reason = "done before",
            }
        );
        return id;
    }

    public static async Task<JsonElement> Move(this LineClient host, long id, string toPhase, string? reason = null) =>
        (
            await host.CallAsync(
                "ticket_move",
                new
                {
                    id,
                    to_phase = toPhase,
                    reason,
                }
            )
        ).GetProperty("ticket");

    public static async Task<JsonElement> Change(this LineClient client, object fields) =>
        (await client.CallAsync("ticket_change", fields)).GetProperty("ticket");

    public static async Task<JsonElement> Ticket(this LineClient host, long id) =>
        (await host.CallAsync("ticket", new { id })).GetProperty("ticket");

    /// <summary>The kinds of a ticket's history, the oldest first.</summary>
    public static async Task<string[]> Kinds(this LineClient host, long id) =>
        [.. (await host.History(id)).Select(h => h.GetProperty("kind").GetString()!)];

    /// <summary>A ticket's history, the oldest entry first.</summary>
    public static async Task<JsonElement[]> History(this LineClient host, long id) =>
        [.. (await host.CallAsync("ticket", new { id })).GetProperty("history").EnumerateArray().Reverse()];

    public static string Text(this JsonElement row, string member) =>
        row.TryGetProperty(member, out var value) ? value.GetString()! : "-";

    public static async Task<string> Phase(this LineClient host, long id) => (await host.Ticket(id)).Text("phase_id");

    /// <summary>A column of the default workflow's board.</summary>
    public static async Task<JsonElement> Column(this LineClient host, string id) =>
        (await host.CallAsync("board"))
            .GetProperty("board")
            .GetProperty("columns")
            .EnumerateArray()
            .Single(c => c.Text("id") == id);

    public static async Task<int> Count(this LineClient host, string column) =>
        (await host.Column(column)).GetProperty("count").GetInt32();

    /// <summary>The tickets as the slices above have them.</summary>
    public static ITickets Tickets(this HiveFixture hive) => hive.Services.GetRequiredService<ITickets>();

    public static Task Write(this HiveFixture hive, Action<IWrite> work) =>
        hive.Services.GetRequiredService<IStore>().Write(work);

    /// <summary>Judges the gate of a ticket's phase, with a verdict that a move finds.</summary>
    public static Task<bool> Judge(this HiveFixture hive, long id, bool? passed = true)
    {
        var tickets = hive.Tickets();
        return hive
            .Services.GetRequiredService<IStore>()
            .Write(write =>
            {
                var entry = tickets.Require(write.Db, id);
                if (passed is { } decided)
                    VerdictTable.Add(
                        write,
                        (id, entry.PhaseId),
                        new Verdict(decided, [], entry.GateRev, hive.Clock.GetUtcNow()),
                        []
                    );
                return tickets.Judged(write, entry, passed);
            });
    }

    /// <summary>Runs a call that is refused.</summary>
    /// <returns>The message.</returns>
    public static async Task<string> Refused(this LineClient client, string code, string cmd, object fields)
    {
        var refused = await Assert.ThrowsAsync<HiveException>(() => client.CallAsync(cmd, fields));
        Assert.Equal(code, refused.Code);
        return refused.Message;
    }
}
