using System.Net.Http.Json;
using System.Text.Json;
using Hive.Protocol;

namespace Hive.Tests.Tasks;

/// <summary>A history of one ticket's tasks, with a model that counts nothing: it looks at all edges each
/// time.</summary>
internal sealed class DagHistory(TaskRig rig, long ticket)
{
    private static readonly string[] Quorums = ["all", "all", "first", "majority"];

    private readonly Dictionary<long, Model> tasks = [];

    public async Task Run(DagStep step)
    {
        switch (step.What)
        {
            case DagStep.Kind.Add:
                await Add(step);
                break;
            case DagStep.Kind.AddJoin:
                await AddJoin(step);
                break;
            case DagStep.Kind.Wait:
                rig.Pass(700);
                foreach (var paused in tasks.Values.Where(t => t.IsPaused).ToArray())
                {
                    await rig.Until(paused.Id, row => !row.Holds().Contains("retry"));
                    paused.IsPaused = false;
                }

                break;
            default:
                if (Choose(step.One) is { } task)
                    await Run(step, task);
                break;
        }

        EndJoins();
        // A ticket on which nothing can go on is blocked; the operator looks at once.
        await rig.Write(write => rig.Tickets.Unblock(write, ticket, "operator"));
        await Compare();
    }

    /// <summary>Ends the history, so that the next one begins with a free agent.</summary>
    public async Task End()
    {
        while (tasks.Values.FirstOrDefault(t => t.IsOpen) is { } task)
        {
            await rig.Host.CallAsync("change_task", new { id = task.Id, action = "cancel" });
            task.Status = "cancelled";
            EndJoins();
        }

        await Drain();
    }

    private async Task Run(DagStep step, Model task)
    {
        switch (step.What)
        {
            case DagStep.Kind.Depend when Choose(step.Other) is { } on:
                await Depend(task, on);
                break;
            case DagStep.Kind.Undepend when task.On.Count > 0:
                var removed = task.On.ElementAt(step.Other % task.On.Count);
                if (await Change(task, "undepend", task.Status == "pending", removed))
                    task.On.Remove(removed);
                break;
            case DagStep.Kind.Complete when IsReady(task):
                await Work(task, "complete_task", new { task = task.Id, summary = "done" });
                task.Status = "completed";
                break;
            case DagStep.Kind.FailForGood when IsReady(task):
                await Work(
                    task,
                    "fail_task",
                    new
                    {
                        task = task.Id,
                        reason = "no",
                        kind = "permanent",
                    }
                );
                task.Status = "failed";
                break;
            case DagStep.Kind.FailOnce when IsReady(task):
                await Work(
                    task,
                    "fail_task",
                    new
                    {
                        task = task.Id,
                        reason = "flaky",
                        kind = "retryable",
                    }
                );
                if (task.Tries++ < 3)
                    task.IsPaused = true;
                else
                    task.Status = "failed";
                break;
            case DagStep.Kind.Cancel:
                if (await Change(task, "cancel", task.IsOpen))
                    task.Status = "cancelled";
                break;
            case DagStep.Kind.Retry:
                if (await Change(task, "retry", task.IsDead && !(task.IsJoin && IsHopeless(task))))
                    (task.Status, task.Tries, task.IsPaused, task.IsHeld, task.HasNoHope) = (
                        "pending",
                        0,
                        false,
                        false,
                        false
                    );
                break;
            case DagStep.Kind.Skip:
                if (await Change(task, "skip", task.Status != "completed"))
                    task.Status = "completed";
                break;
            case DagStep.Kind.Hold:
                if (await Change(task, "hold", task.Status == "pending"))
                    task.IsHeld = true;
                break;
            case DagStep.Kind.Release:
                if (await Change(task, "release", task.Status == "pending" && task.IsHeld))
                    task.IsHeld = false;
                break;
        }
    }

    private async Task Add(DagStep step)
    {
        long[] on = step.One % 3 == 0 ? [] : Chosen(step);
        var quorum = Quorums[step.Other % Quorums.Length];
        var id = (await rig.Add(ticket, JoinTests.Work("t", quorum, [.. on.Cast<object>()])))[0];
        tasks.Add(id, new Model(id, [.. on], quorum));
    }

    private async Task AddJoin(DagStep step)
    {
        var task_ids = Chosen(step);
        if (task_ids.Length == 0)
            return;
        var (isMerge, quorum) = (step.Other % 2 == 0, step.One % 2 == 0 ? "first" : "all");
        using var http = rig.Hive.Http();
        var answer = await http.PostAsJsonAsync(
            isMerge ? "/api/v1/coordination/merge" : "/api/v1/coordination/sync",
            isMerge
                ? new
                {
                    ticket_id = ticket,
                    task_ids,
                    quorum,
                }
                : (object)
                    new
                    {
                        ticket_id = ticket,
                        task_ids,
                        required_count = quorum == "first" ? 1 : 0,
                    }
        );
        var id = (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>()).Number("id");
        tasks.Add(id, new Model(id, [.. task_ids], quorum) { IsJoin = true });
    }

    // Barriers and merges follow from what they wait for, until nothing changes any more.
    private void EndJoins()
    {
        bool hasChanged;
        do
        {
            hasChanged = false;
            foreach (var join in tasks.Values.Where(t => t.IsJoin))
            {
                var before = join.Status;
                if (join.Status == "failed" && join.HasNoHope && !IsHopeless(join))
                    (join.Status, join.HasNoHope, join.IsHeld) = ("pending", false, false);
                if (join.Status == "pending" && IsHopeless(join))
                    (join.Status, join.HasNoHope) = ("failed", true);
                else if (join is { Status: "pending", IsHeld: false } && Done(join) >= Needed(join))
                    join.Status = "completed";
                hasChanged |= join.Status != before;
            }
        } while (hasChanged);
    }

    private long[] Chosen(DagStep step) =>
        [.. new[] { Choose(step.One), Choose(step.Other) }.OfType<Model>().Select(t => t.Id).Distinct()];

    private int Done(Model task) => task.On.Count(id => tasks[id].Status == "completed");

    private bool IsHopeless(Model task) => task.On.Count(id => !tasks[id].IsDead) < Needed(task);

    private static int Needed(Model task) =>
        task.Quorum switch
        {
            "first" => Math.Min(1, task.On.Count),
            "majority" => Math.Min((task.On.Count / 2) + 1, task.On.Count),
            _ => task.On.Count,
        };

    private async Task Depend(Model task, Model on)
    {
        var closes = task.Id == on.Id || Reaches(on, task.Id);
        if (await Change(task, "depend", task.Status == "pending" && !closes, on.Id))
            task.On.Add(on.Id);
    }

    // A task runs only after what it needs.
    private async Task Work(Model task, string tool, object call)
    {
        await rig.Give(task.Id, "alice");
        Assert.True(Done(task) >= Needed(task));
        await rig.Of("alice").CallAsync(tool, call);
        await Drain();
    }

    private async Task Drain()
    {
        foreach (var message in await rig.Messages("alice"))
            await rig.Of("alice").CallAsync("ack", new { id = message.Number("id") });
    }

    private async Task<bool> Change(Model task, string action, bool isAllowed, long? on = null)
    {
        var call = rig.Host.CallAsync(
            "change_task",
            new
            {
                id = task.Id,
                action,
                depends_on = on,
            }
        );
        if (isAllowed)
            await call;
        else
            Assert.Equal("conflict", (await Assert.ThrowsAsync<HiveException>(() => call)).Code);
        return isAllowed;
    }

    private async Task Compare()
    {
        var rows = (await rig.Host.CallAsync("tasks", new { ticket, limit = 200 }))
            .GetProperty("tasks")
            .EnumerateArray();
        Assert.Equal(
            tasks.Values.OrderByDescending(t => t.Id).Select(t => (t.Id, t.Status, IsReady(t))),
            rows.Select((JsonElement r) => (r.Number("id"), r.Text("status")!, r.Text("ready_at") is not null))
        );
        await TicketSeamsTests.Recount(rig);
    }

    private bool IsReady(Model task) =>
        task is { Status: "pending", IsHeld: false, IsPaused: false, IsJoin: false } && Done(task) >= Needed(task);

    private bool Reaches(Model from, long to) => from.On.Any(id => id == to || Reaches(tasks[id], to));

    private Model? Choose(int number) => tasks.Count == 0 ? null : tasks.Values.ElementAt(number % tasks.Count);

    private sealed class Model(long id, HashSet<long> on, string quorum)
    {
        public long Id => id;

        public string Quorum => quorum;

        public bool IsJoin { get; init; }

        // It failed because too few of what it waits for are left.
        public bool HasNoHope { get; set; }

        public HashSet<long> On => on;

        public string Status { get; set; } = "pending";

        public int Tries { get; set; }

        public bool IsPaused { get; set; }

        public bool IsHeld { get; set; }

        public bool IsOpen => Status == "pending";

        public bool IsDead => Status is "failed" or "cancelled";
    }
}
