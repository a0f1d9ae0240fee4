using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Containers.Verbs;

/// <summary>Ends agents' processes at once (KILL).</summary>
internal static class KillAgent
{
    internal sealed record Command(Caller Caller, string? Name = null, AgentScope? Scope = null)
        : AgentVerb(Caller, Name, Scope),
            IRequest<Accepted>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names) => RuleFor(c => c).MustNameAgents(names);
    }

    internal sealed class Handler(StopAgent.Steps stop, VerbRunner verb) : IRequestHandler<Command, Accepted>
    {
        public Task<Accepted> Handle(Command command, CancellationToken cancellationToken) =>
            verb.Run(command, "stopping", name => stop.Run(name, atOnce: true));
    }
}
