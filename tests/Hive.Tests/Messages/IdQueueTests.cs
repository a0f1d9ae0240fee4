using FsCheck;
using FsCheck.Fluent;
using Hive.Features.Messages;
using Hive.Tests.Fixture;

namespace Hive.Tests.Messages;

/// <summary>Compares the queue of ids with a sorted set.</summary>
public sealed class IdQueueTests
{
    private enum StepKind
    {
        Add,
        AddRange,
        Remove,
        RemoveRange,
        TakeFirst,
    }

    private static Gen<Step> Steps { get; } =
        from what in Gen.Elements(Enum.GetValues<StepKind>())
        from ids in Gen.ArrayOf(Gen.Choose(0, 2000))
        select new Step(what, [.. ids.Select(id => (long)id).Distinct().Order()]);

    [Fact]
    [Sampled]
    public void The_queue_holds_the_added_ids_lowest_first() =>
        Property.Holds(Prop.ForAll(Arb.From(Gen.ArrayOf(Steps)), Play), first: 300, inLong: 3_000, endSize: 60);

    [Fact]
    public void Removing_an_added_range_restores_the_queue()
    {
        var queue = new IdQueue();
        for (var id = 1_000L; id < 2_000; id += 2)
            queue.Add(id);
        var before = queue.ToArray();
        long[] range = [.. Enumerable.Range(0, 3_000).Select(id => (long)id).Where(id => !queue.Contains(id))];
        queue.AddRange(range);
        Assert.Equal(before.Concat(range).Order(), queue);
        queue.RemoveRange(range);
        Assert.Equal(before, queue);
        queue.RemoveRange(before);
        Assert.Empty(queue);
        queue.Add(7);
        Assert.Equal(7, queue.Min);
    }

    private static void Play(Step[] steps)
    {
        var (queue, model) = (new IdQueue(), new SortedSet<long>());
        foreach (var (what, ids) in steps)
        {
            switch (what)
            {
                case StepKind.Add:
                    foreach (var id in ids)
                    {
                        queue.Add(id);
                        model.Add(id);
                    }

                    break;
                case StepKind.AddRange:
                    long[] missing = [.. ids.Where(id => !model.Contains(id))];
                    queue.AddRange(missing);
                    model.UnionWith(missing);
                    break;
                case StepKind.Remove:
                    foreach (var id in ids)
                    {
                        queue.Remove(id);
                        model.Remove(id);
                    }

                    break;
                case StepKind.RemoveRange:
                    queue.RemoveRange(ids);
                    model.ExceptWith(ids);
                    break;
                case StepKind.TakeFirst when model.Count > 0:
                    Assert.Equal(model.Min, queue.Min);
                    queue.Remove(queue.Min);
                    model.Remove(model.Min);
                    break;
            }

            Assert.Equal(model, queue.AsEnumerable());
            Assert.Equal(model.Count, queue.Count);
            Assert.All(ids, id => Assert.Equal(model.Contains(id), queue.Contains(id)));
        }
    }

    private sealed record Step(StepKind Kind, long[] Ids);
}
