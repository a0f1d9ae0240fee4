using Hive.Features.Tasks;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Tasks;

namespace Hive.Tests.Locks;

/// <summary>A history of the locks of one agent's tasks, with a model that is a list of requests: the oldest first,
/// each granted or not.</summary>
internal sealed class LockHistory(TaskRig rig, long ticket)
{
    private const int Tasks = 5;
    private const int Resources = 3;
    private const int Ttl = 40;

    private readonly List<long> running = [];
    private readonly List<Asked> asked = [];
    private int passed;

    public async Task Run(LockStep step)
    {
        while (running.Count < Tasks)
            await Begin([]);
        var (task, resource) = (running[step.Task % Tasks], $"r:{ticket}_{step.Resource % Resources}");
        switch (step.What)
        {
            case LockStep.Kind.Exclusive:
                await Acquire(task, resource, isExclusive: true);
                break;
            case LockStep.Kind.Shared:
                await Acquire(task, resource, isExclusive: false);
                break;
            case LockStep.Kind.Release:
                await Release(task, resource);
                break;
            case LockStep.Kind.EndTask:
                await EndTask(task);
                break;
            case LockStep.Kind.Claim:
                await EndTask(task);
                await Begin([.. new[] { resource, $"r:{ticket}_{step.Task % Resources}" }.Distinct()]);
                break;
            case LockStep.Kind.Wait:
                passed += Ttl / 2;
                rig.Pass(Ttl / 2);
                asked.RemoveAll(a => a.IsGranted && a.Ends <= passed);
                Grant();
                break;
        }

        await Compare();
    }

    /// <summary>Ends all tasks: all locks are free then.</summary>
    public async Task End()
    {
        foreach (var task in running.ToArray())
            await EndTask(task);
        Assert.Empty(asked);
        await Compare();
    }

    // A task whose declared locks are not free is held, and not kept here.
    private async Task Begin(string[] locks)
    {
        var task = await rig.Declaring(ticket, locks);
        var isFree = locks.All(l => asked.TrueForAll(a => a.Resource != l));
        Assert.Equal(isFree ? ClaimResult.Claimed : ClaimResult.Held, await rig.Claim(task, "alice"));
        if (!isFree)
        {
            Assert.Equal(["lock"], (await rig.Task(task)).Holds());
            await rig.Host.CallAsync("change_task", new { id = task, action = "cancel" });
            return;
        }

        asked.AddRange(
            locks.Select(l => new Asked(task, l, true)
            {
                IsGranted = true,
                Count = 1,
                Ends = int.MaxValue,
            })
        );
        running.Add(task);
    }

    private async Task EndTask(long task)
    {
        await rig.Of("alice").CallAsync("complete_task", new { task, summary = "done" });
        foreach (var message in await rig.Messages("alice"))
            await rig.Of("alice").CallAsync("ack", new { ids = new[] { message.Number("id") } });
        running.Remove(task);
        asked.RemoveAll(a => a.Task == task);
        Grant();
    }

    private async Task Acquire(long task, string resource, bool isExclusive)
    {
        var call = rig.Of("alice")
            .CallAsync(
                "lock",
                new
                {
                    action = "acquire",
                    task,
                    resource,
                    mode = isExclusive ? "exclusive" : "shared",
                    ttl_seconds = Ttl,
                    notify = true,
                }
            );
        var before = asked.ConvertAll(a => a with { });
        var held = Held(task, resource);
        if (held is not null && (held.IsExclusive || !isExclusive))
        {
            held.Count++;
            held.Ends = Math.Max(held.Ends, passed + Ttl);
            // Also while its task waits to upgrade it.
            Assert.True((await call).GetProperty("granted").GetBoolean());
            return;
        }

        if (Waits(task, resource) is not { } same || same.IsExclusive != isExclusive)
        {
            asked.RemoveAll(a => a.Task == task && a.Resource == resource && !a.IsGranted);
            Grant();
            var request = new Asked(task, resource, isExclusive);
            if (held is not null && Before(request).Count == 0)
                (held.IsExclusive, held.Count, held.Ends) = (true, held.Count + 1, Math.Max(held.Ends, passed + Ttl));
            else
                asked.Insert(held is null ? asked.Count : 0, request);
            if (Reaches(task, task, []))
            {
                Assert.Equal("conflict", (await Assert.ThrowsAsync<HiveException>(() => call)).Code);
                asked.Clear();
                asked.AddRange(before);
                return;
            }

            Grant();
        }

        Assert.Equal(Waits(task, resource) is null, (await call).GetProperty("granted").GetBoolean());
    }

    private async Task Release(long task, string resource)
    {
        var call = rig.Of("alice")
            .CallAsync(
                "lock",
                new
                {
                    action = "release",
                    task,
                    resource,
                }
            );
        if ((Waits(task, resource) ?? Held(task, resource)) is not { } mine)
        {
            Assert.Equal("conflict", (await Assert.ThrowsAsync<HiveException>(() => call)).Code);
            return;
        }

        await call;
        if (!mine.IsGranted || --mine.Count == 0)
            asked.Remove(mine);
        Grant();
    }

    // Until nothing changes, because a grant never makes room: the first that can be granted is, and so on.
    private void Grant()
    {
        while (asked.Find(a => !a.IsGranted && Before(a).Count == 0) is { } next)
        {
            if (Held(next.Task, next.Resource) is { } shared)
            {
                asked.Remove(shared);
                (next.Count, next.Ends) = (shared.Count, shared.Ends);
            }

            next.Count++;
            next.Ends = Math.Max(next.Ends, passed + Ttl);
            next.IsGranted = true;
        }
    }

    // Those that a request waits for. An upgrade stands at the head of the whole list.
    private List<Asked> Before(Asked request)
    {
        var place =
            asked.IndexOf(request) is var at and >= 0 ? at
            : Held(request.Task, request.Resource) is null ? asked.Count
            : 0;
        return
        [
            .. asked.Where(
                (a, i) =>
                    a.Resource == request.Resource
                    && a.Task != request.Task
                    && (a.IsExclusive || request.IsExclusive)
                    && (a.IsGranted || i < place)
            ),
        ];
    }

    private bool Reaches(long from, long to, HashSet<long> seen) =>
        asked
            .Where(a => a.Task == from && !a.IsGranted)
            .SelectMany(Before)
            .Any(on => on.Task == to || (seen.Add(on.Task) && Reaches(on.Task, to, seen)));

    private async Task Compare()
    {
        // Safe: an exclusive lock is alone. Live: whoever could be granted is. No cycle, at no time.
        Assert.All(
            asked.Where(a => a is { IsGranted: true, IsExclusive: true }),
            a => Assert.Single(asked, b => b.Resource == a.Resource && b.IsGranted)
        );
        Assert.All(running, task => Assert.False(Reaches(task, task, [])));
        var expected = asked.Select(a => (a.Task, a.Resource, a.IsExclusive, a.IsGranted, (long)a.Count)).Order();
        // Expired locks are freed beside the clock.
        var now = "";
        await Patience.Until(
            async () =>
            {
                var rows = (await rig.Host.CallAsync("locks")).GetProperty("locks").EnumerateArray();
                now = string.Join(", ", rows);
                return rows.Select(row =>
                        (
                            row.Number("task"),
                            $"{row.Text("resource_type")}:{row.Text("resource_id")}",
                            row.Text("mode") == "exclusive",
                            row.Text("status") == "granted",
                            row.Number("count")
                        )
                    )
                    .Order()
                    .SequenceEqual(expected);
            },
            () => $"the locks are {string.Join(", ", expected)}, not {now}"
        );
    }

    private Asked? Held(long task, string resource) =>
        asked.Find(a => a.Task == task && a.Resource == resource && a.IsGranted);

    private Asked? Waits(long task, string resource) =>
        asked.Find(a => a.Task == task && a.Resource == resource && !a.IsGranted);

    /// <summary>One request, compared by identity.</summary>
    private sealed record Asked(long Task, string Resource, bool IsExclusive)
    {
        public bool IsExclusive { get; set; } = IsExclusive;

        public bool IsGranted { get; set; }

        public int Count { get; set; }

        public int Ends { get; set; }

        public bool Equals(Asked? other) => ReferenceEquals(this, other);

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
    }
}
