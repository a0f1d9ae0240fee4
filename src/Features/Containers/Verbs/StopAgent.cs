using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Containers.Verbs;

/// <summary>Stops agents: TERM, then KILL after 10 s.</summary>
internal static class StopAgent
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
            verb.Run(command, "stopping", name => containers.Stop(name, atOnce: false));
    }
}
