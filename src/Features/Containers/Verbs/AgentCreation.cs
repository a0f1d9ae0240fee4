using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Features.Containers.Tombstones;
using Hive.Runtimes;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Verbs;

/// <summary>Creates agents: folders, configuration, roster, socket. A creation that fails, or that a dying host leaves
/// unfinished, is undone.</summary>
internal sealed partial class AgentCreation(
    IStore store,
    IRoster roster,
    AgentFolders folders,
    IAgentSpecs specs,
    AgentLauncher launcher,
    AppliedState applied,
    ContainerStates states,
    AgentRecords records,
    AgentRemoval removal,
    AgentFiles files,
    TombstoneList tombstones,
    Trash trash,
    Cleanup cleanup,
    ILogger<AgentCreation> log
)
{
    /// <summary>Creates an agent that does not run yet. If that fails, only the files that existed before are
    /// left.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="runtime">Its runtime.</param>
    /// <param name="start">It should run: a start follows, by this host or the next one.</param>
    /// <param name="setup">The parts that its creator decides.</param>
    public async Task Create(string name, string runtime, bool start, AgentSetup? setup = null)
    {
        setup ??= new AgentSetup();
        await removal.FinishPurges(name);
        await IdempotencyKeys.DeleteForgotten(store, name, CancellationToken.None);
        var begun = new Creation
        {
            Agent = name,
            Revived = Directory.Exists(folders.Of(name)),
            Configured = Directory.Exists(folders.Applied(name)),
        };
        if (setup.Files is not null && (begun.Revived || begun.Configured))
            throw Problem.Conflict(
                begun.Revived
                    ? $"data of an earlier agent '{name}' is kept; revive that one (`hive spawn {name}`), delete its "
                        + $"data (`hive purge {name}`), or choose another name"
                    : $"{folders.Applied(name)} has a configuration already; `hive spawn {name}` creates the agent "
                        + "with it, or choose another name"
            );
        await store.Write(write =>
            write.Db.Execute(
                "INSERT OR REPLACE INTO creations (agent, revived, configured) VALUES (@Agent, @Revived, @Configured)",
                begun
            )
        );
        LogStep(log, name, "begun");
        try
        {
            await Create(begun, runtime, start, setup);
        }
        catch (IOException e)
        {
            await cleanup.TryAndLog(name, () => Undo(begun));
            throw Problem.Invalid(e.Message, e);
        }
        catch
        {
            await cleanup.TryAndLog(name, () => Undo(begun));
            throw;
        }
        finally
        {
            // An agent of that name is not a tombstone.
            await tombstones.Refresh(name);
        }
    }

    /// <summary>Undoes the creations that an earlier host did not finish.</summary>
    public async Task UndoUnfinished()
    {
        foreach (
            var begun in await store.Read(db =>
                db.Query<Creation>("SELECT agent, revived, configured FROM creations").ToList()
            )
        )
        {
            LogUndone(log, begun.Agent);
            await cleanup.TryAndLog(begun.Agent, () => Undo(begun));
        }
    }

    private async Task Create(Creation begun, string runtime, bool start, AgentSetup setup)
    {
        var name = begun.Agent;
        await launcher.CreateFolders(name);
        if (setup.Files is not null)
            await WriteFiles(folders.Applied(name), setup.Files);
        LogStep(log, name, "folders created");
        await specs.Seed(name, runtime);
        var spec = specs.Read(name);
        LogStep(log, name, "configuration ready");
        await store.Write(write =>
        {
            roster.Add(
                write,
                new AgentEntry(
                    name,
                    runtime,
                    Recipients: spec.Recipients,
                    ActiveModel: spec.Model,
                    Configured: spec.Work
                )
            );
            write.Db.Execute(
                "INSERT INTO containers (agent, wanted) VALUES (@name, @wanted)",
                new { name, wanted = start ? "running" : "stopped" }
            );
            write.Db.Execute("DELETE FROM creations WHERE agent = @name", new { name });
            records.Return(write, name, setup.Revived);
            setup.Store?.Invoke(write);
        });
        LogStep(log, name, "on the roster");
        try
        {
            // Those of an earlier agent that is not revived.
            await IdempotencyKeys.DeleteForgotten(store, name, CancellationToken.None);
            launcher.OpenSocket(name);
        }
        catch
        {
            await records.Delete(name, purge: !begun.Revived, ran: start);
            throw;
        }

        LogStep(log, name, "socket open");
        // An external agent has no start that would record it.
        if (runtime == RuntimeCatalog.External)
            await applied.RecordRunning(name, spec);
    }

    private static async Task WriteFiles(string folder, IReadOnlyDictionary<string, string> files)
    {
        Directory.CreateDirectory(folder);
        foreach (var (file, text) in files)
            await File.WriteAllTextAsync(Path.Combine(folder, file), text);
    }

    private async Task Undo(Creation begun)
    {
        if (roster.Find(begun.Agent) is not null)
            return;
        if (!begun.Revived)
            await trash.Remove(folders.Of(begun.Agent));
        if (!begun.Configured)
            await trash.Remove(folders.Applied(begun.Agent));
        await files.Remove(begun.Agent, purge: false);
        await specs.Forget(begun.Agent);
        await states.WaitBriefly(
            states.UntilStored(
                begun.Agent,
                write => write.Db.Execute("DELETE FROM creations WHERE agent = @Agent", begun)
            )
        );
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "spawn {Agent}: {Step}")]
    private static partial void LogStep(ILogger logger, string agent, string step);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Agent}: creation was interrupted by the last shutdown; removing"
    )]
    private static partial void LogUndone(ILogger logger, string agent);

    // A creation that has begun, and the folders that existed before.
    private sealed record Creation
    {
        public required string Agent { get; init; }

        public required bool Revived { get; init; }

        public required bool Configured { get; init; }
    }
}
