using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Features.Containers.Tombstones;
using Hive.Features.Egress.Contracts;
using Hive.Protocol;
using Hive.Runtimes;
using MediatR;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Verbs;

/// <summary>Removes an agent; its notes and its inbox are kept for a revival unless it is purged.</summary>
internal static partial class DestroyAgent
{
    internal sealed record Command(Caller Caller, string Name, bool? Purge = null) : IRequest<Accepted>, IAgentVerb
    {
        AgentScope? IAgentVerb.Scope => null;
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names) => RuleFor(c => c).MustNameAgents(names);
    }

    internal sealed class Handler(Steps steps, VerbRunner verb) : IRequestHandler<Command, Accepted>
    {
        public Task<Accepted> Handle(Command command, CancellationToken cancellationToken) =>
            verb.Run(command, "destroying", name => steps.Run(name, command.Purge == true));
    }

    /// <summary>Ends an agent's container, closes its socket, takes it off the roster, and removes its container and,
    /// with a purge, its folders. Otherwise the folders stay as a tombstone.</summary>
    internal sealed partial class Steps(
        IRoster roster,
        HivePaths paths,
        SocketDoors doors,
        IEgress egress,
        StopAgent.Steps stop,
        AgentRecords records,
        AgentRemoval removal,
        TombstoneList tombstones,
        ManagerMounts mounts,
        ContainerStates states,
        ILogger<Steps> log
    )
    {
        public async Task Run(string name, bool purge)
        {
            var agent = roster.Require(name);
            if (agent.IsManager)
                throw Problem.Forbidden("the manager cannot be destroyed");
            var ran = agent.Runtime != RuntimeCatalog.External && await states.IsWanted(name);
            if (agent.Runtime != RuntimeCatalog.External)
                await stop.Run(name, atOnce: false);
            doors.Close(paths.AgentSocket(name));
            await egress.Forget(name);
            LogStep(log, name, "socket closed");
            var left = new Removal
            {
                Agent = name,
                Runtime = agent.Runtime,
                Purge = purge,
            };
            await records.Delete(name, purge, left, ran);
            LogStep(log, name, "off the roster");
            try
            {
                await removal.Finish(left);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw Problem.Unavailable(
                    $"{name} is destroyed, but not all of its files could be removed ({e.Message}); "
                        + "the next start of Hive retries",
                    e
                );
            }
            finally
            {
                await tombstones.Refresh(name);
            }

            mounts.Refresh();
        }

        [LoggerMessage(Level = LogLevel.Debug, Message = "destroy {Agent}: {Step}")]
        private static partial void LogStep(ILogger logger, string agent, string step);
    }
}
