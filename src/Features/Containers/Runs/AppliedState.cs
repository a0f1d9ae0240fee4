using System.Collections.Concurrent;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Features.Containers.Runs;

/// <summary>Compares what is applied for each agent with what it runs on.</summary>
internal sealed class AppliedState(
    IStore store,
    IRoster roster,
    IAgentSpecs specs,
    ContainerStates states,
    HiveOptions options
)
{
    // What was released and the very harness: another build of the same version is another one.
    private static readonly string Hive = $"{HiveVersion.Text}+{HarnessIdentity.Text}";

    private readonly ConcurrentDictionary<string, string> applied = new();

    /// <summary>True when an agent runs on something other than what is applied for it now.</summary>
    public bool NeedsUpdate(string agent) =>
        states.Of(agent).RunsOn is { } old && applied.TryGetValue(agent, out var now) && now != old;

    /// <summary>True when an agent was started with another harness than this host's.</summary>
    public bool IsOfAnotherHive(string agent) =>
        states.Of(agent).RunsOn is { } old && !old.StartsWith(Hive + " ", StringComparison.Ordinal);

    /// <summary>True when a rebuild would change something about an agent that is meant to run, or would say what is
    /// wrong with it.</summary>
    public bool NeedsRebuild(AgentEntry agent) =>
        NeedsUpdate(agent.Name)
        || states.Of(agent.Name).Failed
        || (states.Of(agent.Name).RunsOn is not null && !CanBeRead(agent.Name));

    /// <summary>What a harness runs for a turn.</summary>
    public string DriverOf(AgentSpec spec) => spec.Driver ?? options.Driver;

    /// <summary>Everything that a container started now would run on: the harness, what is applied, and for a manager
    /// with mounts of its own the agents whose folders it sees.</summary>
    public string RunsOn(AgentEntry agent, AgentSpec spec) =>
        $"{Hive} {DriverOf(spec)} {spec.Fingerprint}{Seen(agent)}";

    /// <summary>True when a manager that runs does not see the agents that there are now, or sees some that are
    /// gone.</summary>
    public bool SeesOthers(AgentEntry manager) =>
        states.Of(manager.Name) is { Running: not null, RunsOn: { } runsOn }
        && !runsOn.EndsWith(Seen(manager), StringComparison.Ordinal);

    private string Seen(AgentEntry agent) =>
        agent is { IsManager: true, SeesHostPaths: false } ? $" {string.Join(',', roster.Names)}" : "";

    /// <summary>What an agent ran on when it was started last; null when it never was.</summary>
    public static string? Stored(IWrite write, string name) =>
        write.Db.ExecuteScalar<string?>("SELECT runs_on FROM containers WHERE agent = @name", new { name });

    /// <summary>Stores what an agent runs on.</summary>
    public static void Store(IWrite write, string name, string runsOn) =>
        write.Db.Execute(
            "UPDATE containers SET runs_on = @runsOn, needs_update = 0 WHERE agent = @name",
            new { name, runsOn }
        );

    /// <summary>Notes that an agent without a container runs on what is applied now.</summary>
    public async Task Now(string name, AgentSpec spec)
    {
        var runsOn = RunsOn(roster.Require(name), spec);
        await store.Write(write =>
        {
            Store(write, name, runsOn);
            write.Raise(new ContainerChanged(name));
        });
        states.Change(name, before => before with { RunsOn = runsOn });
        await Look(name);
    }

    /// <summary>Reads what is applied for an agent; when it runs on something else, its row says so and the manager is
    /// told, once.</summary>
    public async Task Look(string name)
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
            // Half written, or wrong. It runs on what it has; the next start says what is wrong.
            return;
        }

        var needs = NeedsUpdate(name);
        // A file was touched, and nothing became different: the database is asked nothing.
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
