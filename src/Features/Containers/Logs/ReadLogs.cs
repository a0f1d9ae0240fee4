using FluentValidation;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Containers.Logs;

/// <summary>What an agent has printed lately, oldest line first.</summary>
internal static class ReadLogs
{
    internal sealed record Query(string Name, long? Lines = null) : IRequest<Result>;

    /// <param name="Lines">Oldest first.</param>
    /// <param name="Truncated">There are fewer than were asked for because they are long; the oldest are left
    /// out.</param>
    internal sealed record Result(IReadOnlyList<string> Lines, bool? Truncated = null);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names) =>
            RuleFor(q => q.Name).Must(names.IsWellFormed).WithMessage("'name' is no agent name");
    }

    internal sealed class Handler(AgentLogs logs) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            new(await logs.Tail(request.Name, request.Lines, cancellationToken));
    }
}
