using System.Text.Json;
using System.Text.Json.Serialization;
using Dapper;
using FluentValidation;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Turns.Contracts;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>What happened in an agent's turns, a page at a time, oldest of the page first.</summary>
internal static class ListEvents
{
    private const long MostRows = 500;

    internal sealed record Query(string Name, long? Before = null, long? Limit = null) : IRequest<Result>;

    /// <param name="Cursor">Where the agent's own stream goes on.</param>
    /// <param name="Events">The page.</param>
    /// <param name="More">There are older ones.</param>
    internal sealed record Result(string Cursor, IReadOnlyList<AgentEvent> Events, bool More);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names) => RuleFor(q => q.Name).MustBeAgentsName(names);
    }

    internal sealed class Handler(IStore store, IRoster roster, AgentHubs hubs) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            // Before the read: an event that falls between the two is then replayed, not missed. A destroyed agent has
            // no stream any more.
            var cursor = roster.Find(request.Name) is null ? "" : hubs.Of(request.Name).Head.ToString();
            var limit = Math.Clamp(request.Limit ?? 200, 1, MostRows);
            var rows = await store.Read(
                db =>
                    db.Query<Row>(
                            Sql,
                            new
                            {
                                request.Name,
                                before = request.Before ?? long.MaxValue,
                                limit = limit + 1,
                            }
                        )
                        .ToArray(),
                cancellationToken
            );
            if (rows.Length == 0)
                roster.Require(request.Name);
            return new Result(
                cursor,
                [
                    .. rows.Take((int)limit)
                        .Reverse()
                        .Select(r =>
                            EventText.WithId(r.Id, r.Payload).Deserialize<AgentEvent>(Protocol.WireJson.Options)!
                        ),
                ],
                rows.Length > limit
            );
        }

        private const string Sql = """
            SELECT id, payload
              FROM agent_events
             WHERE agent = @Name AND id < @before
             ORDER BY id DESC
             LIMIT @limit
            """;
    }

    private sealed record Row
    {
        public required long Id { get; init; }

        public required string Payload { get; init; }
    }
}

/// <summary>Something that happened in a turn: what every event has, and whatever else its kind has.</summary>
/// <param name="Id">Given once, by the host.</param>
/// <param name="Kind">What it is.</param>
/// <param name="At">When, by the clock of the harness.</param>
internal sealed record AgentEvent(long Id, string Kind, DateTimeOffset At)
{
    /// <summary>The fields of its kind.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Rest { get; init; }
}

/// <summary>A piece of a text that an agent is writing, as its stream shows it; the whole text follows as an
/// event.</summary>
internal sealed record TextPart(string Kind, DateTimeOffset At, string Text, long? Turn = null);
