using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Containers.Contracts;
using Hive.Protocol;

namespace Hive.Features.Approvals;

/// <summary>Keeps the steps of approved work in memory, with the output of the agents that it starts, and publishes
/// each change.</summary>
internal sealed class Builds(EventHub hub, TimeProvider clock)
{
    /// <summary>The steps of this many approvals are kept when their work has ended.</summary>
    internal const int Kept = Limits.PendingApprovals;

    private readonly Lock gate = new();
    private readonly Dictionary<long, Build> builds = [];
    private readonly Queue<long> ended = new();

    /// <summary>The steps of an approval that have begun.</summary>
    public ApprovalBuild Read(long id)
    {
        lock (gate)
        {
            if (!builds.TryGetValue(id, out var build))
                return new ApprovalBuild(id, []);
            return build.Read();
        }
    }

    /// <summary>The steps of an approval, to add to; they are kept at least until <see cref="Ended"/>.</summary>
    public Build Of(long id)
    {
        lock (gate)
        {
            if (builds.TryGetValue(id, out var known))
                return known;
            return builds[id] = new Build(id, hub, clock);
        }
    }

    /// <summary>An approval's work has ended: its steps are dropped when enough others have ended after it.</summary>
    public void Ended(long id)
    {
        lock (gate)
        {
            ended.Enqueue(id);
            if (ended.Count > Kept)
                builds.Remove(ended.Dequeue());
        }
    }
}

/// <summary>The steps of one approval's work.</summary>
internal sealed class Build(long id, EventHub hub, TimeProvider clock)
{
    /// <summary>Lines kept of one step at most.</summary>
    internal const int MostLines = 200;

    /// <summary>Bytes that the lines of one step take at most, as JSON.</summary>
    internal const int MostBytes = 16 << 10;

    /// <summary>Bytes that the lines of all steps take at most: each event has them.</summary>
    internal const int MostBytesOfAll = 64 << 10;

    private const int MostBytesOfLine = 2 << 10;

    // Agents print in bursts, and each event has all kept lines.
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(250);

    private readonly Lock gate = new();
    private readonly List<Step> steps = [];
    private bool publishing;

    /// <summary>Begins a step; the one before it is done.</summary>
    public void Begin(string name, string? agent = null)
    {
        lock (gate)
        {
            EndLast(BuildStepState.Done, null);
            steps.Add(new Step(new BuildStep(name, BuildStepState.Running, clock.GetUtcNow(), Agent: agent)));
            Publish();
        }
    }

    /// <summary>All steps are done.</summary>
    public void End()
    {
        lock (gate)
        {
            if (EndLast(BuildStepState.Done, null))
                Publish();
        }
    }

    /// <summary>The step that runs has failed; does nothing when none runs.</summary>
    /// <param name="error">Why.</param>
    /// <param name="agent">Set: only a step of this agent can have failed.</param>
    public void Fail(string error, string? agent = null)
    {
        lock (gate)
        {
            if (agent is not null && (steps is not [.., var last] || last.Row().Agent != agent))
                return;
            if (EndLast(BuildStepState.Failed, TextRules.Cut(error, Limits.HostBodyBytes)))
                Publish();
        }
    }

    /// <summary>Reports the rebuild of an agent as steps.</summary>
    public IRebuildProgress Rebuilding(string agent) => new Progress(this, agent);

    public ApprovalBuild Read()
    {
        lock (gate)
            return new ApprovalBuild(id, [.. steps.Select(step => step.Row())]);
    }

    private void Print(string agent, IReadOnlyList<string> lines)
    {
        lock (gate)
        {
            // The last lines may come when the next step has begun.
            if (steps.FindLast(s => s.Row() is { Name: BuildStepName.Start } row && row.Agent == agent) is not { } step)
                return;
            step.Add(lines);
            while (steps.Sum(s => s.Bytes) > MostBytesOfAll)
                (
                    steps.Find(s => s.Bytes > 0 && s.State == BuildStepState.Done) ?? steps.First(s => s.Bytes > 0)
                ).Drop();
            if (publishing)
                return;
            publishing = true;
        }

        _ = PublishTogether();
    }

    private async Task PublishTogether()
    {
        await Task.Delay(Together, clock);
        lock (gate)
        {
            if (publishing)
                Publish();
        }
    }

    private bool EndLast(string state, string? error)
    {
        if (steps is not [.., var last] || !last.TryEnd(state, clock.GetUtcNow(), error))
            return false;
        return true;
    }

    // Under the gate, so that the events come in the order of the changes.
    private void Publish()
    {
        publishing = false;
        hub.Publish(new DashboardEvent("build_changed", "build", Read()));
    }

    private sealed class Step(BuildStep begun)
    {
        private readonly Queue<(string Text, int Bytes)> lines = new();
        private BuildStep row = begun;
        private int leftOut;

        public int Bytes { get; private set; }

        public string State => row.State;

        public BuildStep Row() =>
            lines.Count == 0 && leftOut == 0
                ? row
                : row with
                {
                    Log = [.. lines.Select(line => line.Text)],
                    LinesLeftOut = leftOut == 0 ? null : leftOut,
                };

        public bool TryEnd(string state, DateTimeOffset at, string? error)
        {
            if (row.State != BuildStepState.Running)
                return false;
            row = row with { State = state, EndedAt = at, Error = error };
            return true;
        }

        public void Add(IReadOnlyList<string> added)
        {
            foreach (var line in added)
            {
                var text = TextRules.Cut(line, MostBytesOfLine);
                // With its quotes and comma.
                var size = TextRules.JsonLength(text) + 3;
                lines.Enqueue((text, size));
                Bytes += size;
                while (lines.Count > MostLines || Bytes > MostBytes)
                    Drop();
            }
        }

        public void Drop()
        {
            Bytes -= lines.Dequeue().Bytes;
            leftOut++;
        }
    }

    private sealed class Progress(Build build, string agent) : IRebuildProgress
    {
        public void Stopping() => build.Begin(BuildStepName.Stop, agent);

        public void Starting() => build.Begin(BuildStepName.Start, agent);

        public void Printed(IReadOnlyList<string> lines) => build.Print(agent, lines);

        // A rebuild can fail before its first step, while the step of another agent runs.
        public void Failed(string error) => build.Fail(error, agent);

        public void RollingBack() => build.Begin(BuildStepName.RollBack, agent);

        public void RolledBack() => build.End();
    }
}
