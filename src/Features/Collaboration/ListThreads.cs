using FluentValidation;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Collaboration;

/// <summary>Lists threads, the newest first.</summary>
internal static class ListThreads
{
    /// <param name="Agent">Those that an agent, or <c>operator</c>, is in.</param>
    /// <param name="Ticket">Those about a ticket.</param>
    /// <param name="Task">Those about a task.</param>
    /// <param name="Status">Those in one state.</param>
    /// <param name="Limit">At most 200.</param>
    /// <param name="Before">Only lower ids, for the next page.</param>
    internal sealed record Query(
        string? Agent = null,
        long? Ticket = null,
        long? Task = null,
        string? Status = null,
        int Limit = 50,
        long? Before = null
    ) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<ThreadView> Threads);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names)
        {
            RuleFor(q => q.Agent).MustBeMember(names, "agent");
            RuleFor(q => q.Status).MustBeStatus(ThreadStatus.All);
        }
    }

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query q, CancellationToken cancellationToken) =>
            store.Read(
                db => new Result(
                    ThreadTable.Views(
                        db,
                        ThreadTable.List(db, new ThreadFilter(q.Agent, q.Ticket, q.Task, q.Status, q.Limit, q.Before))
                    )
                ),
                cancellationToken
            );
    }
}
