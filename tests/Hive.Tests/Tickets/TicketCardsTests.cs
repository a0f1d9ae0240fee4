using System.Data.Common;
using System.Text.Json;
using Hive.Common.Errors;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Tickets;

/// <summary>Cards are published although one of them, or the database, fails.</summary>
public sealed class TicketCardsTests
{
    [Fact]
    public async Task A_card_that_cannot_be_made_keeps_no_other_back()
    {
        var work = new Work();
        await using var hive = await HiveFixture.StartWith(services => services.AddSingleton<ITicketWork>(work));
        var host = await hive.Board();
        using var events = await hive.Events();
        var first = await host.Create("first");
        Assert.Equal(first, await Next(hive, events));
        var second = await host.Create("second");
        Assert.Equal(second, await Next(hive, events));
        work.Faults = (first, new InvalidOperationException("no figures"), int.MaxValue);
        await hive.Write(write =>
        {
            hive.Tickets().Touch(write, first);
            hive.Tickets().Touch(write, second);
        });
        Assert.Equal(second, await Next(hive, events));
    }

    [Fact]
    public async Task After_a_read_that_failed_cards_are_published_without_another_change()
    {
        var work = new Work();
        await using var hive = await HiveFixture.StartWith(services => services.AddSingleton<ITicketWork>(work));
        var host = await hive.Board();
        using var events = await hive.Events();
        var id = await host.Create();
        Assert.Equal(id, await Next(hive, events));
        work.Faults = (id, Problem.Unavailable("the disk failed"), 1);
        await hive.Write(write => hive.Tickets().Touch(write, id));
        Assert.Equal(id, await Next(hive, events));
        Assert.Equal(0, work.Faults.Left);
    }

    // The ticket whose card comes next.
    private static async Task<long> Next(HiveFixture hive, EventReader events) => (await Change(hive, events)).Id;

    // The next card or removal. The loop rests between two times, and longer after a failure, on the clock that stands
    // still.
    private static async Task<(string Kind, long Id, string? Status)> Change(HiveFixture hive, EventReader events)
    {
        var next = events.Next("ticket_changed", "ticket_removed");
        await hive.Clock.AdvanceUntil(next, TimeSpan.FromMilliseconds(1_250));
        var change = await next;
        return change.TryGetProperty("ticket", out var card)
            ? ("ticket_changed", card.GetProperty("id").GetInt64(), card.Text("status"))
            : ("ticket_removed", change.GetProperty("id").GetInt64(), null);
    }

    private sealed class Work : ITicketWork
    {
        public (long Ticket, Exception Fault, int Left) Faults { get; set; }

        public IReadOnlyDictionary<long, TicketWork> Of(DbConnection db, IReadOnlyCollection<long> tickets)
        {
            if (tickets.Contains(Faults.Ticket) && Faults.Left > 0)
            {
                Faults = Faults with { Left = Faults.Left - 1 };
                throw Faults.Fault;
            }

            return new Dictionary<long, TicketWork>();
        }
    }
}
