using FluentValidation;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Features.Containers.Tombstones;
using Hive.Runtimes;
using MediatR;

namespace Hive.Features.Containers.Verbs;

/// <summary>
/// Creates a destroyed agent again, with its kept data and on the runtime that it had; it runs, or is paused, as it did
/// and was, and takes back what the destroy set aside. This undoes a destroy, so it needs no approval.
/// </summary>
internal static class ReviveTombstone
{
    internal sealed record Command(string Name) : IRequest<SpawnAgent.Result>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names) => RuleFor(c => c.Name).MustBeAgentsName(names);
    }

    internal sealed class Handler(
        IStore store,
        IRoster roster,
        TombstoneList tombstones,
        RuntimeCatalog runtimes,
        ContainerStates states,
        SpawnAgent.Steps spawn,
        TimeProvider clock
    ) : IRequestHandler<Command, SpawnAgent.Result>
    {
        public async Task<SpawnAgent.Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var name = command.Name;
            if (roster.Find(name) is not null)
                throw Problem.Conflict($"agent '{name}' already exists; a revival needs a destroyed agent");
            tombstones.Require(name);
            // An agent that an earlier Hive destroyed gets the runtime of a new one.
            var former = await FormerAgents.Find(store, name, cancellationToken);
            var runtime = await runtimes.Choose(former?.Runtime, cancellationToken);
            await spawn.Run(
                name,
                runtime,
                start: former?.Ran != false,
                new AgentSetup(Store: write => Restore(write, name, former), Revived: true)
            );
            var agent = roster.Require(name);
            return new SpawnAgent.Result(name, runtime, states.IsRunning(agent), states.Of(name).Note);
        }

        private void Restore(IWrite write, string name, FormerAgent? former)
        {
            if (former is not null)
                roster.Change(
                    write,
                    name,
                    agent =>
                        agent with
                        {
                            Paused = former.Paused,
                            PausedAt = former.Paused ? clock.GetUtcNow() : null,
                            StatusText = former.StatusText,
                            StatusSetAt = former.StatusSetAt is { } at
                                ? DateTimeOffset.FromUnixTimeMilliseconds(at)
                                : null,
                            Override = former.Override,
                        }
                );
            // It was told that the agent is destroyed.
            states.TellManager(
                write,
                new
                {
                    @event = "spawned",
                    agent = name,
                    ok = true,
                }
            );
        }
    }
}
