using System.Collections.Concurrent;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Protocol;
using Hive.Protocol.Options;
using Hive.Runtimes;

namespace Hive.Features.Containers.Runs;

/// <summary>Compares each agent's applied configuration with the one it runs on.</summary>
internal sealed class AppliedState(
    IStore store,
    IRoster roster,
    IAgentSpecs specs,
    ContainerStates states,
    HiveOptions options
)
{
    // The version and the harness: another build of the same version counts as another Hive.
    private static readonly string Hive = $"{HiveVersion.Text}+{HarnessIdentity.Text}";

    private readonly ConcurrentDictionary<string, string> applied = new();

    /// <summary>True when an agent runs on something other than its current configuration.</summary>
    public bool NeedsUpdate(string agent) =>
        states.Of(agent).RunsOn is { } old && applied.TryGetValue(agent, out var now) && now != old;

    /// <summary>True when an agent was started with another harness than this host's.</summary>
    public bool IsOfAnotherHive(string agent) =>
        states.Of(agent).RunsOn is { } old && !old.StartsWith(Hive + " ", StringComparison.Ordinal);

    /// <summary>True when a rebuild would change an agent that should run, or would report what is wrong with
    /// it.</summary>
    public bool NeedsRebuild(AgentEntry agent) =>
        NeedsUpdate(agent.Name)
        || states.Of(agent.Name).Failed
        || (states.Of(agent.Name).RunsOn is not null && !CanBeRead(agent.Name));

    /// <summary>The driver that the harness runs for a turn.</summary>
    public string DriverOf(AgentSpec spec) => spec.Driver ?? options.Driver;

    /// <summary>Describes everything that a container started now would run on: the harness, the configuration, and for
    /// a manager with mounts of its own the agents whose folders it sees.</summary>
    public string RunsOn(AgentEntry agent, AgentSpec spec) =>
        $"{Hive} {DriverOf(spec)} {spec.Fingerprint}{Seen(agent)}";

    /// <summary>True when a running manager lacks the mounts of an existing agent, or has those of a destroyed
    /// one.</summary>
    public bool SeesOthers(AgentEntry manager) =>
        states.Of(manager.Name) is { Running: not null, RunsOn: { } runsOn }
        && !runsOn.EndsWith(Seen(manager), StringComparison.Ordinal);

    private string Seen(AgentEntry agent) =>
        agent is { IsManager: true, SeesHostPaths: false } ? $" {string.Join(',', roster.Names)}" : "";

    /// <summary>Reads what an agent ran on at its last start; null when it was never started.</summary>
    public static string? ReadRunsOn(IWrite write, string name) =>
        write.Db.ExecuteScalar<string?>("SELECT runs_on FROM containers WHERE agent = @name", new { name });

    /// <summary>Stores what an agent runs on.</summary>
    public static void StoreRunsOn(IWrite write, string name, string runsOn) =>
        write.Db.Execute(
            "UPDATE containers SET runs_on = @runsOn, needs_update = 0 WHERE agent = @name",
            new { name, runsOn }
        );

    /// <summary>Records that an agent without a container runs on its current configuration.</summary>
    public async Task RecordRunning(string name, AgentSpec spec)
    {
        var runsOn = RunsOn(roster.Require(name), spec);
        await store.Write(write =>
        {
            StoreRunsOn(write, name, runsOn);
            write.Raise(new ContainerChanged(name));
        });
        states.Change(name, before => before with { RunsOn = runsOn });
        await Refresh(name);
    }

    /// <summary>Reads an agent's applied configuration again; when it runs on something else, its row says so and the
    /// manager is told once.</summary>
    public async Task Refresh(string name)
    {
        if (roster.Find(name) is not { } agent)
        {
            applied.TryRemove(name, out _);
            return;
        }

        var known = applied.GetValueOrDefault(name);
        try
        {
            applied[name] = RunsOn(agent, specs.Read(name));
        }
        catch (Exception e) when (e is Problem or IOException or UnauthorizedAccessException)
        {
            // The configuration is half written, or wrong. The agent runs on; its next start reports what is wrong.
            return;
        }

        var needs = NeedsUpdate(name);
        // A file was touched and nothing changed: spare the database.
        if (!needs && known == applied.GetValueOrDefault(name))
            return;
        await states.UntilStored(
            name,
            write =>
            {
                if (
                    write.Db.Execute(
                        "UPDATE containers SET needs_update = @needs WHERE agent = @name AND needs_update <> @needs",
                        new { name, needs }
                    ) > 0
                    && needs
                    && name != Principals.Manager
                )
                    states.TellManager(write, new { @event = "needs_update", agent = name });
            }
        );
    }

    private bool CanBeRead(string name)
    {
        try
        {
            specs.Read(name);
            return true;
        }
        catch (Problem)
        {
            return false;
        }
    }
}
