using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Containers.Verbs;

/// <summary>Removes an agent; its notes and its inbox are kept for a revival unless it is purged.</summary>
internal static class DestroyAgent
{
    internal sealed record Command(Caller Caller, string Name, bool? Purge = null) : IRequest<Accepted>, IAgentVerb
    {
        AgentScope? IAgentVerb.Scope => null;
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names) => RuleFor(c => c).MustNameAgents(names);
    }

    internal sealed class Handler(AgentContainers containers, ManagersView view, Verb verb)
        : IRequestHandler<Command, Accepted>
    {
        public Task<Accepted> Handle(Command command, CancellationToken cancellationToken) =>
            verb.Run(
                command,
                "destroying",
                async name =>
                {
                    await containers.Destroy(name, command.Purge == true);
                    view.Changed();
                }
            );
    }
}
