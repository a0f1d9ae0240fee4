using System.ComponentModel;
using System.Data.Common;
using Dapper;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets;

/// <summary>Lists tickets that match all given filters, the newest first.</summary>
internal static class ListTickets
{
    private const int Usual = 50;
    private const int Most = 200;

    internal sealed record Query(
        string? Workflow = null,
        string? PhaseId = null,
        string? Status = null,
        string? Label = null,
        [property: Description("Part of the title or the description.")] string? Text = null,
        int? Limit = null,
        [property: Description("Only tickets with a lower id.")] long? Before = null
    ) : IRequest<IReadOnlyList<TicketCard>>;

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(c => c.Text).MustBeText(TicketRules.ReasonBytes);
    }

    internal sealed class Handler(IStore store, TicketViews views, IWorkflows workflows)
        : IRequestHandler<Query, IReadOnlyList<TicketCard>>
    {
        public Task<IReadOnlyList<TicketCard>> Handle(Query query, CancellationToken cancellationToken)
        {
            var workflow = query.Workflow is { } name ? workflows.Require(name).Name : null;
            return store.Read(db => Read(db, query, workflow), cancellationToken);
        }

        private IReadOnlyList<TicketCard> Read(DbConnection db, Query query, string? workflow) =>
            views.Cards(
                db,
                db.Query<TicketRow>(
                        Sql,
                        new
                        {
                            workflow,
                            phase = query.PhaseId,
                            query.Status,
                            query.Label,
                            pattern = Pattern(query.Text),
                            query.Before,
                            limit = Math.Clamp(query.Limit ?? Usual, 1, Most),
                        }
                    )
                    .AsList()
            );
    }

    // Wildcards in a text stand for themselves.
    private static string? Pattern(string? text) =>
        string.IsNullOrWhiteSpace(text)
            ? null
            : "%"
                + text.Replace("\\", "\\\\", StringComparison.Ordinal)
                    .Replace("%", "\\%", StringComparison.Ordinal)
                    .Replace("_", "\\_", StringComparison.Ordinal)
                + "%";

    private const string Sql = $"""
        SELECT {TicketRow.CardColumns}
          FROM tickets
         WHERE (@workflow IS NULL OR workflow = @workflow)
           AND (@phase IS NULL OR phase_id = @phase)
           AND (@Status IS NULL OR status = @Status)
           AND (@Label IS NULL OR EXISTS (SELECT 1 FROM json_each(labels) WHERE value = @Label))
           AND (@pattern IS NULL OR title LIKE @pattern ESCAPE '\' OR description LIKE @pattern ESCAPE '\')
           AND (@Before IS NULL OR id < @Before)
         ORDER BY id DESC
         LIMIT @limit
        """;
}
