using Dapper;
using FluentValidation;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Turns.Contracts;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>Lists the turns of one agent, newest first, a page at a time.</summary>
internal static class ListTurns
{
    private const long MostRows = 200;

    internal sealed record Query(string Name, long? Limit = null, long? Before = null) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<TurnView> Turns);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names) => RuleFor(q => q.Name).MustBeAgentsName(names);
    }

    internal sealed class Handler(IStore store, IRoster roster, Prices prices) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var limit = Math.Clamp(request.Limit ?? 50, 1, MostRows);
            var rows = await store.Read(
                db =>
                    db.Query<TurnRow>(
                            Sql,
                            new
                            {
                                request.Name,
                                before = request.Before ?? long.MaxValue,
                                limit,
                            }
                        )
                        .ToArray(),
                cancellationToken
            );
            // The turns of a destroyed agent can still be listed; a name that no agent ever had is a mistake.
            if (rows.Length == 0)
                roster.Require(request.Name);
            var (table, _) = prices.Refresh();
            return new Result([.. rows.Select(r => r.ToView(table))]);
        }

        private const string Sql = $"""
            SELECT {TurnRow.Columns}
              FROM turn_stats
             WHERE agent = @Name AND id < @before
             ORDER BY id DESC
             LIMIT @limit
            """;
    }
}
