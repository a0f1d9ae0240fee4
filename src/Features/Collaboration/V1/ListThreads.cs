using FluentValidation;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Collaboration.V1;

/// <summary>Lists threads for <c>/api/v1</c>, the newest first.</summary>
internal static class ListThreads
{
    /// <param name="AgentId">Those that an agent is in.</param>
    /// <param name="TicketId">Those about a ticket.</param>
    /// <param name="Status">Those in one state.</param>
    /// <param name="Limit">At most 200.</param>
    /// <param name="Before">Only lower ids.</param>
    internal sealed record Query(
        string? AgentId = null,
        long? TicketId = null,
        string? Status = null,
        int Limit = ThreadFilter.Most,
        long? Before = null
    ) : IRequest<IReadOnlyList<CollaborationThread>>;

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names) => RuleFor(q => q.AgentId).MustBeMember(names, "agent_id");
    }

    internal sealed class Handler(IMediator mediator) : IRequestHandler<Query, IReadOnlyList<CollaborationThread>>
    {
        public async Task<IReadOnlyList<CollaborationThread>> Handle(Query q, CancellationToken cancellationToken) =>
            [
                .. (
                    await mediator.Send(
                        new Collaboration.ListThreads.Query(
                            q.AgentId,
                            q.TicketId,
                            Status: q.Status,
                            Limit: q.Limit,
                            Before: q.Before
                        ),
                        cancellationToken
                    )
                ).Threads.Select(thread => new CollaborationThread(thread)),
            ];
    }
}
