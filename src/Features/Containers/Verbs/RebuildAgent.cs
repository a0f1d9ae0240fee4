using Dapper;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Containers.Limits;
using Hive.Features.Containers.Logs;
using Hive.Features.Containers.Runs;
using Hive.Runtimes;
using MediatR;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Verbs;

/// <summary>Recreates agents from their current configuration, whatever state they are in, and starts them.</summary>
internal static partial class RebuildAgent
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
            verb.Run(command, "rebuilding", name => steps.Run(name));
    }

    /// <summary>
    /// Repairs an agent's folders, socket and configuration, and runs its container on that configuration. Everything
    /// that cannot work is found before the current run is ended.
    /// </summary>
    internal sealed partial class Steps(
        IStore store,
        IRoster roster,
        RuntimeCatalog runtimes,
        IAgentSpecs specs,
        AgentLauncher launcher,
        AppliedState applied,
        ContainerStates states,
        StartupWatch startup,
        StopAgent.Steps stop,
        StartAgent.Steps start,
        NewOutput output,
        DiskLimits disk,
        ILogger<Steps> log
    )
    {
        /// <param name="name">The agent.</param>
        /// <param name="seeded">Its configuration is locked already, or about to be.</param>
        /// <param name="progress">Is told how far the rebuild has come.</param>
        public async Task Run(string name, bool seeded = false, IRebuildProgress? progress = null)
        {
            var agent = roster.Require(name);
            string? fault = null;
            try
            {
                await Rebuild(agent, seeded, progress);
            }
            catch (Problem e)
            {
                fault = e.Message;
                throw;
            }
            catch (Exception e)
            {
                fault = e.Message;
                throw Problem.Unavailable($"{name} cannot be rebuilt: {e.Message}", e);
            }
            finally
            {
                if (fault is not null)
                    progress?.Failed(fault);
                if (!agent.IsManager)
                    await states.WaitBriefly(states.UntilStored(name, write => TellManager(write, name, fault)));
            }
        }

        private async Task Rebuild(AgentEntry agent, bool seeded, IRebuildProgress? progress)
        {
            var name = agent.Name;
            if (!seeded)
                await specs.Seed(name, agent.Runtime);
            var spec = specs.Read(name);
            var runtime = runtimes.Find(agent.Runtime);
            if (runtime is not null)
                await RuntimeCatalog.MustWork(runtime, CancellationToken.None);
            using (await states.Hold(name))
            {
                await launcher.CreateFolders(name);
                launcher.RepairSocket(name);
                await store.Write(write =>
                    write.Db.Execute(
                        "INSERT OR IGNORE INTO containers (agent, wanted) VALUES (@name, 'stopped')",
                        new { name }
                    )
                );
            }

            LogStep(log, name, "folders, configuration and socket ready");
            if (runtime is null)
            {
                await store.Write(write => launcher.UpdateRoster(write, name, spec));
                states.SetNote(name, failed: false, note: null);
                await applied.RecordRunning(name, spec);
                return;
            }

            disk.MustFit(name, spec.Limits);
            progress?.Stopping();
            await stop.Run(name, atOnce: false, wanted: "running");
            progress?.Starting();
            if (progress is null)
                await Start(name, runtime);
            else
                await output.Follow(runtime, name, progress.Printed, () => Start(name, runtime));
        }

        private async Task Start(string name, IRuntime runtime)
        {
            var harness = startup.Expect(name);
            await start.Run(name, StartReason.Rebuild, seeded: true);
            await startup.MustComeUp(name, runtime, harness);
        }

        private void TellManager(IWrite write, string name, string? fault) =>
            states.TellManager(
                write,
                new
                {
                    @event = "rebuilt",
                    agent = name,
                    ok = fault is null,
                    note = fault,
                }
            );

        [LoggerMessage(Level = LogLevel.Debug, Message = "rebuild {Agent}: {Step}")]
        private static partial void LogStep(ILogger logger, string agent, string step);
    }
}
