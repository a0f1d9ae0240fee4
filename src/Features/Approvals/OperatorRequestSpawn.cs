using FluentValidation;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Approvals;

/// <summary>
/// Queues the operator's request for a new agent, to be approved like the manager's requests. Only the operator can
/// name a runtime.
/// </summary>
internal static class OperatorRequestSpawn
{
    internal sealed record Command(string Name, string? Runtime = null, string? Description = null)
        : IRequest<RequestSpawn.Result>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names)
        {
            RuleFor(c => c.Name).MustBeNameOfNewAgent(names);
            RuleFor(c => c.Description).MustBeDescription();
        }
    }

    internal sealed class Handler(RequestSpawn.NewAgents agents) : IRequestHandler<Command, RequestSpawn.Result>
    {
        public Task<RequestSpawn.Result> Handle(Command command, CancellationToken cancellationToken) =>
            agents.Ask(
                new ApprovalRequest(
                    ApprovalKind.Spawn,
                    command.Name,
                    Principals.Operator,
                    command.Description,
                    Runtime: string.IsNullOrEmpty(command.Runtime) ? null : command.Runtime
                )
            );
    }
}
