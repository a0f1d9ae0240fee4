using System.Net;
using System.Net.Http.Json;
using Dapper;
using FsCheck;
using FsCheck.Fluent;
using Hive.Common.Storage;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Tickets;

/// <summary>Plays generated rounds of changes that are asked at once, and replays their history on a model.</summary>
public sealed class WipModelTests
{
    private const int AtOnce = 50;
    private const int Tickets = 12;

    private enum Ask
    {
        Create,
        Build,
        Todo,
        Test,
        End,
        Pass,
        Fail,
        Block,
        Unblock,
        Hold,
        Release,
        Force,
    }

    private sealed record Step(Ask Ask, int Ticket, int Choice);

    private sealed record Round(Step[] Steps, int BuildLimit, int TestLimit);

    [Fact]
    [Sampled]
    public async Task Limits_hold_and_waiting_tickets_go_in_order_under_50_changes_at_once()
    {
        // On a thread of its own, because the property blocks on each history.
        await Task.Run(() =>
            Property.Holds(
                Prop.ForAll(Arb.From(Gen.ListOf(Rounds, 4)), rounds => Play([.. rounds]).GetAwaiter().GetResult()),
                first: 3,
                inLong: 25
            )
        );
    }

    private static Gen<Step> Steps { get; } =
        from ask in Gen.Frequency(
            (6, Gen.Constant(Ask.Create)),
            (12, Gen.Constant(Ask.Build)),
            (2, Gen.Constant(Ask.Todo)),
            (2, Gen.Constant(Ask.Test)),
            (8, Gen.Constant(Ask.End)),
            (14, Gen.Constant(Ask.Pass)),
            (3, Gen.Constant(Ask.Fail)),
            (5, Gen.Constant(Ask.Block)),
            (5, Gen.Constant(Ask.Unblock)),
            (3, Gen.Constant(Ask.Hold)),
            (3, Gen.Constant(Ask.Release)),
            (1, Gen.Constant(Ask.Force))
        )
        from ticket in Gen.Choose(0, Tickets - 1)
        from choice in Gen.Choose(0, 3)
        select new Step(ask, ticket, choice);

    private static Gen<Round> Rounds { get; } =
        from steps in Gen.ArrayOf(Steps, AtOnce)
        from build in Gen.Choose(1, 5)
        from test in Gen.Choose(1, 3)
        select new Round(steps, build, test);

    private static async Task Play(Round[] rounds)
    {
        await using var hive = await HiveFixture.Start();
        var host = await hive.Board();
        var http = hive.Http();
        List<long> ids = [];
        for (var i = 0; i < Tickets; i++)
            ids.Add(await host.Create($"T{i}", new { priority = Priorities.Words[i % 4] }));
        List<(long After, Dictionary<string, int> Limits)> limits = [];
        foreach (var round in rounds)
        {
            limits.Add(
                (await LastNote(hive), new() { ["PHASE_BUILD"] = round.BuildLimit, ["PHASE_TEST"] = round.TestLimit })
            );
            await host.CallAsync(
                "workflow_load",
                new
                {
                    text = Ticketing
                        .Ways.Replace(
                            "BUILD], wip_limit: 3",
                            $"BUILD], wip_limit: {round.BuildLimit}",
                            StringComparison.Ordinal
                        )
                        .Replace(
                            "TEST], wip_limit: 1",
                            $"TEST], wip_limit: {round.TestLimit}",
                            StringComparison.Ordinal
                        ),
                    replace = true,
                }
            );
            await Task.WhenAll(round.Steps.Select(step => Run(hive, http, ids, step)));
            await Quiet(hive, limits[^1].Limits["PHASE_TEST"]);
        }

        var model = await Replayed(hive, limits);
        Assert.Equal(
            (
                model.In("PHASE_TODO"),
                model.In("PHASE_BUILD"),
                model.In("PHASE_TEST"),
                model.In("PHASE_END"),
                model.Blocked
            ),
            (
                await host.Count("todo"),
                await host.Count("build"),
                await host.Count("test"),
                await host.Count("end"),
                await host.Count("blocked")
            )
        );
        Assert.Equal(model.Waiting, (await host.Column("test")).GetProperty("waiting").GetInt32());
        Assert.True(model.Waiting == 0 || model.In("PHASE_TEST") >= limits[^1].Limits["PHASE_TEST"]);
        var before = (await host.CallAsync("board")).GetRawText();
        await hive.Restart();
        Assert.Equal(before, (await (await hive.Operator()).CallAsync("board")).GetRawText());
    }

    private static async Task Run(HiveFixture hive, HttpClient http, List<long> ids, Step step)
    {
        var id = ids[step.Ticket];
        var answer = step.Ask switch
        {
            Ask.Create => await Post("", new { title = "new", priority = Priorities.Words[step.Choice] }),
            Ask.Build => await Move("PHASE_BUILD"),
            Ask.Todo => await Post("/regress", new { to_phase = "PHASE_TODO", reason = "unclear" }),
            Ask.Test => await Move("PHASE_TEST"),
            Ask.End => await Move("PHASE_END"),
            Ask.Block => await Post("/block", new { type = BlockTypes.Environment }),
            Ask.Unblock => await Post("/unblock", new { }),
            Ask.Hold => await Post("/hold", new { }),
            Ask.Release => await Post("/release", new { }),
            Ask.Force => await Post(
                "/transition",
                new
                {
                    to_phase = "PHASE_TEST",
                    force = true,
                    reason = "urgent",
                }
            ),
            _ => null,
        };
        if (answer is null)
            await Judge();
        else
            Assert.Contains(answer.StatusCode, (HttpStatusCode[])[HttpStatusCode.OK, HttpStatusCode.Conflict]);

        Task<HttpResponseMessage?> Move(string phase) => Post("/transition", new { to_phase = phase });

        async Task<HttpResponseMessage?> Post(string verb, object body) =>
            await http.PostAsJsonAsync(verb.Length == 0 ? "/api/v1/tickets" : $"/api/v1/tickets/{id}{verb}", body);

        // The slice above judges only gates that ask something.
        Task Judge() =>
            hive.Write(write =>
            {
                var ticket = hive.Tickets().Require(write.Db, id);
                if (ticket.PhaseId == "PHASE_BUILD")
                    hive.Tickets().Judged(write, ticket, step.Ask == Ask.Pass);
            });
    }

    // A raised limit lets tickets in after the answer.
    private static Task Quiet(HiveFixture hive, int limit)
    {
        var store = hive.Services.GetRequiredService<IStore>();
        return Patience.Until(
            () =>
                store.Read(db =>
                    db.ExecuteScalar<bool>(
                        """
                        SELECT (SELECT count(*) FROM tickets WHERE phase_id = 'PHASE_TEST') >= @limit
                            OR NOT EXISTS (SELECT 1
                                             FROM tickets
                                            WHERE gate = 'waiting' AND blocked IS NULL AND held = 0)
                        """,
                        new { limit }
                    )
                ),
            "Test is full, or no ticket waits for it"
        );
    }

    private static Task<long> LastNote(HiveFixture hive) =>
        hive
            .Services.GetRequiredService<IStore>()
            .Read(db => db.ExecuteScalar<long>("SELECT coalesce(max(id), 0) FROM ticket_history"));

    private static async Task<WipModel> Replayed(
        HiveFixture hive,
        List<(long After, Dictionary<string, int> Limits)> limits
    )
    {
        var entries = await hive
            .Services.GetRequiredService<IStore>()
            .Read(db =>
                db.Query<Noted>(
                        """
                        SELECT h.id, h.ticket, h.kind, h.to_phase, h.reason, t.priority
                          FROM ticket_history h
                          JOIN tickets t ON t.id = h.ticket
                         ORDER BY h.id
                        """
                    )
                    .ToArray()
            );
        var model = new WipModel();
        foreach (var entry in entries)
            model.Replay(entry, limits.LastOrDefault(l => l.After < entry.Id, limits[0]).Limits);
        return model;
    }
}
