using System.Runtime.ExceptionServices;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Protocol;
using Hive.Runtimes;
using MediatR;

namespace Hive.Features.Containers.Verbs;

/// <summary>Starts agents that do not run.</summary>
internal static class StartAgent
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
            verb.Run(command, "starting", name => steps.Run(name));
    }

    /// <summary>Starts an agent's container unless it runs.</summary>
    internal sealed class Steps(
        IRoster roster,
        HivePaths paths,
        IAgentSpecs specs,
        ContainerStates states,
        CrashWatch crashes,
        Restarts restarts
    )
    {
        /// <param name="name">The agent.</param>
        /// <param name="reason">The reason that the agent is told.</param>
        /// <param name="resetFailures">Forgets earlier failures, because a person or another agent asked for the
        /// start.</param>
        /// <param name="seeded">Its configuration is locked already.</param>
        public async Task Run(
            string name,
            StartReason reason = StartReason.Start,
            bool resetFailures = true,
            bool seeded = false
        )
        {
            var agent = roster.Require(name);
            if (agent.Runtime == RuntimeCatalog.External)
                throw Problem.Conflict($"{name} is external; it runs where a program opens {paths.AgentSocket(name)}");
            if (states.Of(name).Running is not null)
                return;
            // Before the agent is held, because this may fetch inputs over the network.
            var fault = seeded ? null : await TrySeed(agent);
            using var hold = await states.Hold(name);
            if (states.Of(name).Running is not null)
                return;
            if (resetFailures)
                restarts.Forget(name);
            try
            {
                fault?.Throw();
                await crashes.Launch(agent, reason, CancellationToken.None);
            }
            catch (Problem e)
            {
                crashes.StartFailed(name, e);
                throw;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                crashes.StartFailed(name, e);
                throw Problem.Unavailable($"{name} cannot be started: {e.Message}", e);
            }
        }

        private async Task<ExceptionDispatchInfo?> TrySeed(AgentEntry agent)
        {
            try
            {
                await specs.Seed(agent.Name, agent.Runtime);
                return null;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                return ExceptionDispatchInfo.Capture(e);
            }
        }
    }
}
