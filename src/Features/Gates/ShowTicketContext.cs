using MediatR;

namespace Hive.Features.Gates;

/// <summary>Shows what the phases of a ticket handed on, for <c>/api/v1</c>.</summary>
internal static class ShowTicketContext
{
    /// <param name="Id">The ticket.</param>
    internal sealed record Query(long Id) : IRequest<Result>;

    /// <param name="TicketId">The ticket.</param>
    /// <param name="FullContext">What the phases handed on.</param>
    /// <param name="Summary">All in short; absent when no phase has handed on anything.</param>
    internal sealed record Result(long TicketId, FullContext FullContext, string? Summary = null);

    internal sealed class Handler(IMediator mediator) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var context = (await mediator.Send(new ShowContext.Query(request.Id), cancellationToken)).Context;
            return new Result(
                context.Ticket,
                new FullContext(context.Phases.ToDictionary(p => p.PhaseId)),
                context.Summary
            );
        }
    }
}

/// <summary>The context that the phases of a ticket handed on.</summary>
/// <param name="Phases">Each by its phase.</param>
internal sealed record FullContext(IReadOnlyDictionary<string, PhaseContext> Phases);
