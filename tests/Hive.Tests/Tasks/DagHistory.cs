using System.Text.Json;
using Hive.Protocol;

namespace Hive.Tests.Tasks;

/// <summary>A history of one ticket's tasks, with a model that counts nothing: it looks at all edges each
/// time.</summary>
internal sealed class DagHistory(TaskRig rig, long ticket)
{
    private readonly Dictionary<long, Model> tasks = [];

    public async Task Run(DagStep step)
    {
        switch (step.What)
        {
            case DagStep.Kind.Add:
                await Add(step);
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

        // A ticket on which nothing can go on is blocked; the operator looks at once.
        await rig.Write(write => rig.Tickets.Unblock(write, ticket, "operator"));
        await Compare();
    }

    /// <summary>Ends the history, so that the next one begins with a free agent.</summary>
    public async Task End()
    {
        foreach (var task in tasks.Values.Where(t => t.IsOpen))
            await rig.Host.CallAsync("change_task", new { id = task.Id, action = "cancel" });
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
                if (await Change(task, "retry", task.IsDead))
                    (task.Status, task.Tries, task.IsPaused, task.IsHeld) = ("pending", 0, false, false);
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
        long[] on = [.. new[] { Choose(step.One), Choose(step.Other) }.OfType<Model>().Select(t => t.Id).Distinct()];
        if (step.One % 3 == 0)
            on = [];
        var id = (await rig.Add(ticket, TaskRig.New("t", [.. on.Cast<object>()])))[0];
        tasks.Add(id, new Model(id, [.. on]));
    }

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
        Assert.All(task.On, id => Assert.Equal("completed", tasks[id].Status));
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
        task is { Status: "pending", IsHeld: false, IsPaused: false }
        && task.On.All(id => tasks[id].Status == "completed");

    private bool Reaches(Model from, long to) => from.On.Any(id => id == to || Reaches(tasks[id], to));

    private Model? Choose(int number) => tasks.Count == 0 ? null : tasks.Values.ElementAt(number % tasks.Count);

    private sealed class Model(long id, HashSet<long> on)
    {
        public long Id => id;

        public HashSet<long> On => on;

        public string Status { get; set; } = "pending";

        public int Tries { get; set; }

        public bool IsPaused { get; set; }

        public bool IsHeld { get; set; }

        public bool IsOpen => Status == "pending";

        public bool IsDead => Status is "failed" or "cancelled";
    }
}
