using System.Text.Json;
using Dapper;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Common.Persistence;
using Hive.Features.Agents.Contracts;
using Hive.Features.Turns.Contracts;
using MediatR;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Turns;

/// <summary>A harness tells what happens in a turn: kept for a week, and streamed to who looks at the agent.</summary>
internal static class Emit
{
    private const int MostEvents = 100;
    private const int MostRounds = 200;

    internal sealed record Command(Caller Caller, IReadOnlyList<JsonElement> Events) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Events.Count).LessThanOrEqualTo(MostEvents).WithMessage(c => $"'events' has {c.Events.Count} entries, the limit is {MostEvents}; send the rest with another call");
    }

    internal sealed class Handler(
        IStore store, IRoster roster, EventFlood flood, AgentHubs hubs, TimeProvider clock,
        IHostApplicationLifetime lifetime) : IRequestHandler<Command, Done>
    {
        public async Task<Done> Handle(Command command, CancellationToken cancellationToken)
        {
            var agent = command.Caller.Name;
            var events = flood.Admit(agent, [.. command.Events.Select(EventText.From)], dropped => TellDropped(agent, dropped));
            IReadOnlyList<EventText> kept = [.. events.Where(told => told.Kind != EventText.TextPart)];
            // One write for all of them: the writer has others to serve.
            if (kept.Count > 0)
                await store.Write(write => Append(write, agent, kept), CancellationToken.None).ConfigureAwait(false);
            // Shown and not kept: the whole text comes as an event of its own.
            foreach (var part in events.Where(told => told.Kind == EventText.TextPart))
                hubs.Publish(agent, () => Shown(part.Payload));

            return Done.Instance;
        }

        private static DashboardEvent Shown(string part) =>
            new("text_part", "part", JsonElement.Parse(part));

        private void TellDropped(string agent, long count) =>
            _ = store.WriteUntilStored(write => Append(write, agent, [EventText.Dropped(clock.GetUtcNow(), count)]), clock, lifetime.ApplicationStopping);

        private void Append(IWrite write, string agent, IReadOnlyList<EventText> events)
        {
            // Its last words may come after it was purged.
            if (roster.Find(agent) is null)
                return;
            var at = clock.GetUtcNow().ToUnixTimeMilliseconds();
            var insert = write.Prepare("INSERT INTO agent_events (agent, turn, at, kind, payload) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id");
            List<StoredEvent> stored = new(events.Count);
            foreach (var told in events)
            {
                insert.Bind(1, agent).Bind(2, told.Turn).Bind(3, at).Bind(4, told.Kind).Bind(5, told.Payload).Step();
                stored.Add(new StoredEvent(insert.Long(0), told.Payload));
                insert.Reset();
            }

            MakeRoom(write, agent);
            write.Raise(new AgentEventsStored(agent, stored));
        }

        // As much as was added, and somewhat more where too much is there already: the writer has others to serve.
        private static void MakeRoom(IWrite write, string agent)
        {
            for (var round = 0; round < MostRounds && write.Db.ExecuteScalar<long>("SELECT bytes FROM agent_event_sizes WHERE agent = @agent", new { agent }) > EventFlood.BytesKept; round++)
                write.Db.Execute("DELETE FROM agent_events WHERE id IN (SELECT id FROM agent_events WHERE agent = @agent ORDER BY id LIMIT 10)", new { agent });
        }
    }
}

/// <summary>Puts stored events on the stream of their agent, if anybody follows it.</summary>
internal sealed class AgentEventForwarder(AgentHubs hubs) : ICommitObserver
{
    void ICommitObserver.OnCommitted(INotification notification)
    {
        if (notification is not AgentEventsStored stored)
            return;
        foreach (var (id, payload) in stored.Events)
            hubs.Publish(stored.Agent, () => new DashboardEvent("agent_event", "event", EventText.WithId(id, payload)));
    }
}
