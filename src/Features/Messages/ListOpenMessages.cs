using System.Data.Common;
using Dapper;
using FluentValidation;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Lists unacknowledged messages, oldest first, of one agent or of all.</summary>
internal static class ListOpenMessages
{
    private const int Usual = 50;
    private const int Most = 200;

    /// <param name="Name">Only this agent's; null for all agents.</param>
    /// <param name="Failed">Only messages that are parked or in back-off.</param>
    /// <param name="Limit">At most 200.</param>
    internal sealed record Query(string? Name = null, bool? Failed = null, long? Limit = null) : IRequest<Result>;

    /// <param name="Messages">Oldest first.</param>
    /// <param name="More">True when there are more than the limit.</param>
    internal sealed record Result(IReadOnlyList<Message> Messages, bool More);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names) => RuleFor(q => q.Name).MustBeAgentsName(names);
    }

    internal sealed class Handler(IStore store, IRoster roster, TimeProvider clock) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            if (request.Name is { } name)
                roster.Require(name);
            var limit = (int)Math.Clamp(request.Limit ?? Usual, 1, Most);
            var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
            var asked = new
            {
                request.Name,
                failed = request.Failed == true,
                now,
                limit = limit + 1,
            };
            var found = await store.Read(db => Read(db, asked), cancellationToken);
            return new Result([.. found.Take(limit)], More: found.Length > limit);
        }

        private static Message[] Read(DbConnection db, object asked) =>
            [.. db.Query<MessageRow.Stored>(Sql, asked).Select(r => EventSentence.With(r.ToMessage()))];

        private const string Sql = $"""
            SELECT {MessageRow.Columns}
              FROM messages INDEXED BY messages_open
             WHERE acked_at IS NULL
               AND (recipient = @Name OR (@Name IS NULL AND recipient <> 'operator'))
               AND (NOT @failed OR parked_at IS NOT NULL OR (delivered_at IS NULL AND available_at > @now))
             ORDER BY id
             LIMIT @limit
            """;
    }
}
