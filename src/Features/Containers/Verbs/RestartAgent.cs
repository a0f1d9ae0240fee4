using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Containers.Verbs;

/// <summary>Stops an agent and starts it again on its present configuration.</summary>
internal static class RestartAgent
{
    internal sealed record Command(
        Caller Caller,
        [property: Description("The agent's name.")] string? Name = null,
        [property: Description("Several agents at once, instead of 'name'.")] AgentScope? Scope = null
    ) : IRequest<Accepted>, IAgentVerb;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names) => RuleFor(c => c).MustNameAgents(names);
    }

    internal sealed class Handler(AgentContainers containers, Verb verb) : IRequestHandler<Command, Accepted>
    {
        public Task<Accepted> Handle(Command command, CancellationToken cancellationToken) =>
            verb.Run(command, "restarting", name => containers.Restart(name));
    }
}
