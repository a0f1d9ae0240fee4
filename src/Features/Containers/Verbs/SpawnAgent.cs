using FluentValidation;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Runtimes;
using MediatR;

namespace Hive.Features.Containers.Verbs;

/// <summary>Creates an agent and, unless told otherwise, starts it. Answers when the agent exists and its socket is
/// open.</summary>
internal static class SpawnAgent
{
    internal sealed record Command(string Name, string? Runtime = null, bool? Start = null) : IRequest<Result>;

    internal sealed record Result(string Name, string Runtime, bool Running, string? Note = null);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names) =>
            RuleFor(c => c.Name)
                .Custom(
                    (name, context) =>
                    {
                        if (names.Fault(name) is { } fault)
                            context.AddFailure(fault);
                    }
                );
    }

    internal sealed class Handler(Steps steps, RuntimeCatalog runtimes, ContainerStates states, IRoster roster)
        : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var runtime = await runtimes.Choose(command.Runtime, cancellationToken);
            await steps.Run(command.Name, runtime, start: command.Start != false);
            return new Result(
                command.Name,
                runtime,
                states.IsRunning(roster.Require(command.Name)),
                states.Of(command.Name).Note
            );
        }
    }

    /// <summary>Creates an agent and, when asked to, starts it.</summary>
    internal sealed class Steps(
        IRoster roster,
        RuntimeCatalog runtimes,
        Transients transients,
        AgentCreation creation,
        ManagerMounts mounts,
        StartAgent.Steps starting
    )
    {
        /// <exception cref="Problem">Code <c>conflict</c>: the name is taken. Code <c>invalid</c>: the runtime cannot
        /// run an agent of that name.</exception>
        public async Task Run(string name, string runtime, bool start, AgentSetup? setup = null)
        {
            if (roster.Find(name) is not null)
                throw Problem.Conflict($"agent '{name}' already exists; choose another name");
            if (runtimes.Find(runtime)?.FindNameFault(name) is { } fault)
                throw Problem.Invalid(fault.ToString());
            await using var guard = await transients.Begin(name, "spawning");
            await creation.Create(name, runtime, start && runtime != RuntimeCatalog.External, setup);
            mounts.Refresh();
            if (!start || runtime == RuntimeCatalog.External)
                return;
            try
            {
                await starting.Run(name, seeded: true);
            }
            catch (Problem)
            {
                // The agent exists; its note says why it does not run.
            }
        }
    }
}
