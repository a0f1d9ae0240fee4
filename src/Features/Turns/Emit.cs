using System.Text.Json;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Turns.Contracts;
using MediatR;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Turns;

/// <summary>Stores events of a turn for a week, and streams them to pages that show the agent.</summary>
internal static class Emit
{
    private const int MostEvents = 100;

    internal sealed record Command(Caller Caller, [property: AnyNames] IReadOnlyList<JsonElement> Events)
        : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() =>
            RuleFor(c => c.Events.Count)
                .LessThanOrEqualTo(MostEvents)
                .WithMessage(c =>
                    $"'events' has {c.Events.Count} entries, the limit is {MostEvents}; send the rest with another call"
                );
    }

    internal sealed class Handler(
        IStore store,
        AgentEvents stored,
        EventFlood flood,
        RunningTools tools,
        AgentHubs hubs,
        TimeProvider clock,
        IHostApplicationLifetime lifetime
    ) : IRequestHandler<Command, Done>
    {
        public async Task<Done> Handle(Command command, CancellationToken cancellationToken)
        {
            var agent = command.Caller.Name;
            var events = flood.Admit(
                agent,
                [.. command.Events.Select(EventText.From)],
                dropped => TellDropped(agent, dropped)
            );
            IReadOnlyList<EventText> kept = [.. events.Where(told => told.Kind != EventText.TextPart)];
            // One write for all of them, because other writes wait.
            if (kept.Count > 0)
                await store.Write(write => stored.Append(write, agent, kept), CancellationToken.None);
            tools.Note(agent, command.Events);
            // Streamed and not stored: the whole text follows as an event of its own.
            foreach (var part in events.Where(told => told.Kind == EventText.TextPart))
                hubs.Publish(agent, () => Shown(part.Payload));

            return Done.Instance;
        }

        private static DashboardEvent Shown(string part) => new("text_part", "part", JsonElement.Parse(part));

        private void TellDropped(string agent, long count) =>
            _ = store.WriteUntilStored(
                write => stored.Append(write, agent, [EventText.Dropped(clock.GetUtcNow(), count)]),
                clock,
                lifetime.ApplicationStopping
            );
    }
}

/// <summary>Publishes stored events on the stream of their agent.</summary>
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
