using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Containers.Limits;
using Hive.Features.Containers.Runs;
using MediatR;

namespace Hive.Features.Containers.Verbs;

/// <summary>Stops agents and starts them again on their current configuration.</summary>
internal static class RestartAgent
{
    internal sealed record Command(Caller Caller, string? Name = null, AgentScope? Scope = null)
        : AgentVerb(Caller, Name, Scope),
            IRequest<Accepted>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names) => RuleFor(c => c).MustNameAgents(names);
    }

    internal sealed class Handler(Steps steps, VerbRunner verb) : IRequestHandler<Command, Accepted>
    {
        public Task<Accepted> Handle(Command command, CancellationToken cancellationToken) =>
            verb.Run(command, "restarting", name => steps.Run(name));
    }

    /// <summary>Locks an agent's configuration, then ends its container and starts it again. A configuration that
    /// cannot be locked, and a limit that its files exceed, end nothing.</summary>
    internal sealed class Steps(
        IRoster roster,
        IAgentSpecs specs,
        ContainerStates states,
        DiskLimits disk,
        StopAgent.Steps stop,
        StartAgent.Steps start
    )
    {
        public async Task Run(string name, bool resetFailures = true)
        {
            var agent = roster.Require(name);
            StopAgent.Steps.MustBeOurs(agent);
            try
            {
                await specs.Seed(name, agent.Runtime);
            }
            catch (Exception e) when (e is not (Problem or OperationCanceledException))
            {
                throw Problem.Unavailable($"{name} cannot be restarted: {e.Message}", e);
            }

            // The start of one that does not run is refused with the same words, and noted on its row.
            if (states.Of(name).Running is not null)
                disk.MustFit(name, specs.Read(name).Limits);
            await stop.Run(name, atOnce: false, wanted: "running");
            await start.Run(name, StartReason.Restart, resetFailures, seeded: true);
        }
    }
}
