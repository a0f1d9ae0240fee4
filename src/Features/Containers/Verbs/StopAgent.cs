using Dapper;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Runtimes;
using MediatR;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Verbs;

/// <summary>Stops agents: TERM, then KILL after 10 s.</summary>
internal static partial class StopAgent
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
            verb.Run(command, "stopping", name => steps.Run(name, atOnce: false));
    }

    /// <summary>Ends an agent's container. The state that the agent should have is stored first, so that the next host
    /// finishes if this one dies in between.</summary>
    internal sealed partial class Steps(
        IStore store,
        IRoster roster,
        ContainerStates states,
        Restarts restarts,
        TimeProvider clock,
        ILogger<Steps> log
    )
    {
        private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

        /// <summary>Refuses to end an external agent.</summary>
        public static void MustBeOurs(AgentEntry agent)
        {
            if (agent.Runtime == RuntimeCatalog.External)
                throw Problem.Conflict($"{agent.Name} is external; stop the program that runs it");
        }

        /// <param name="name">The agent.</param>
        /// <param name="atOnce">Sends KILL without TERM before.</param>
        /// <param name="wanted">The state that it should have from here on: <c>stopped</c>, or <c>running</c> when a
        /// start follows, by this host or the next one.</param>
        public async Task Run(string name, bool atOnce, string wanted = "stopped")
        {
            var agent = roster.Require(name);
            MustBeOurs(agent);
            using var hold = await states.Hold(name);
            if (states.Of(name).Unknown)
                throw Problem.Unavailable($"{name}: {states.Of(name).Note}; try again when that is known");
            // Its failures are dealt with, as by a start.
            if (wanted == "stopped")
                restarts.Forget(name);
            await store.Write(
                write =>
                {
                    // A run that is told to end may end cleanly after this host has died; `restarting` tells the next
                    // host to start it again.
                    states.StoreNote(write, name, wanted, failed: false, note: null, restarting: wanted == "running");
                    if (atOnce && !agent.IsManager)
                        states.TellManager(write, new { @event = "killed", agent = name });
                },
                CancellationToken.None
            );
            LogStep(log, name, "stored the state that it should have");
            states.SetNote(name, failed: false, note: null);
            if (states.Of(name) is not { Running: { } running, Gone: { } gone })
                return;
            states.Change(name, now => now.Running == running ? now with { Stopping = true } : now);
            try
            {
                await End(name, running, gone, atOnce);
            }
            catch
            {
                // The agent still runs, and nobody asks for its end any more: a later end is a failure again.
                states.Change(name, now => now.Running == running ? now with { Stopping = false } : now);
                await states.WaitBriefly(
                    states.UntilStored(
                        name,
                        write =>
                            write.Db.Execute("UPDATE containers SET restarting = 0 WHERE agent = @name", new { name })
                    )
                );
                throw;
            }

            LogStep(log, name, "ended");
            // The run may have ended on its own just before it was asked to.
            if (states.Of(name) is not { Running: null, Failed: false, Note: null })
            {
                states.SetNote(name, failed: false, note: null);
                await states.WaitBriefly(
                    states.UntilStored(name, write => states.StoreNote(write, name, wanted, failed: false, note: null))
                );
            }
        }

        private async Task End(string name, IRunning running, Task gone, bool atOnce)
        {
            await (atOnce ? running.Kill() : running.Terminate());
            LogStep(log, name, "asked to end");
            if (!atOnce && await Task.WhenAny(gone, Task.Delay(Grace, clock)) != gone)
            {
                LogKilled(log, name, Grace.TotalSeconds);
                await running.Kill();
            }

            // In the machine's own time: a process that KILL does not end waits for a disk or a daemon, and no verb may
            // wait with it forever.
            if (await Task.WhenAny(gone, Task.Delay(Grace, TimeProvider.System)) != gone)
                throw Problem.Unavailable(
                    $"{name} ({running.Id}) has not ended {Grace.TotalSeconds:0} s after KILL; "
                        + "find out what blocks the process (ps shows state D for disk wait), then try again"
                );
        }

        [LoggerMessage(Level = LogLevel.Debug, Message = "stop {Agent}: {Step}")]
        private static partial void LogStep(ILogger logger, string agent, string step);

        [LoggerMessage(Level = LogLevel.Warning, Message = "{Agent} did not end within {Seconds} s and was killed")]
        private static partial void LogKilled(ILogger logger, string agent, double seconds);
    }
}
