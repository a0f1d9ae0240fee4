using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tasks;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Tests.Tasks;

/// <summary>Makes tasks and agents for tests of the scheduler.</summary>
internal static class SchedulerRig
{
    public const string Phase = "PHASE_IMPLEMENTATION";

    public static QueuedTask Task(long id, long readyAt, int priority = 2) =>
        new(
            id,
            Ticket: 1,
            "ship",
            Phase,
            Duty.Worker,
            Capabilities: [],
            WantsAgent: null,
            Prefers: null,
            priority,
            Rank: 0,
            Dependents: 0,
            RetryCount: 0,
            DeadlineAt: null,
            readyAt,
            Agent: null,
            Active: false,
            Failed: []
        );

    public static QueuedTask GivenTo(this QueuedTask task, string agent) =>
        task with
        {
            ReadyAt = null,
            Agent = agent,
            Active = true,
        };

    public static AgentProfile Agent(
        int capacity = 1,
        Duty duty = Duty.Worker,
        IReadOnlyList<string>? capabilities = null,
        IReadOnlyList<string>? phases = null,
        bool canTake = true
    ) =>
        new(
            duty,
            new AgentWork(duty, capabilities ?? [], capacity, phases, []),
            capacity,
            CanTake: canTake,
            CanWork: canTake,
            InTurn: false
        );
}

/// <summary>A write of memory alone, which a test commits or takes back.</summary>
internal sealed class MemoryWrite : IWrite
{
    private readonly Stack<Action> undo = [];

    public DbConnection Db => throw new InvalidOperationException("the queue needs no database");

    public long Batch => 0;

    public Statement Prepare([ConstantExpected] string sql) =>
        throw new InvalidOperationException("the queue needs no database");

    public void Raise(INotification notification) { }

    public void AfterCommit(Action action) { }

    public void OnRollback(Action action) => undo.Push(action);

    public void RollBack()
    {
        while (undo.TryPop(out var action))
            action();
    }
}

/// <summary>Workflows that differ from the shipped one only in their limits.</summary>
internal sealed class LimitedWorkflows : IWorkflows
{
    private readonly Workflow shipped = Hive.Features.Workflows.Shipped.Workflow;

    public Dictionary<(string Workflow, string Phase), int> MaxActive { get; init; } = [];

    public IReadOnlyList<WorkflowView> All => [];

    public Workflow Default => shipped;

    public IReadOnlyList<PatternView> Patterns => [];

    public Workflow Find(string name) =>
        shipped with
        {
            Name = name,
            Phases =
            [
                .. shipped.Phases.Select(phase =>
                    phase with
                    {
                        MaxActive = MaxActive.TryGetValue((name, phase.Id), out var most) ? most : null,
                    }
                ),
            ],
        };

    public Workflow Require(string? name) => Find(name ?? shipped.Name);

    public Pattern RequirePattern(string name) => throw new InvalidOperationException("no test needs patterns");
}
