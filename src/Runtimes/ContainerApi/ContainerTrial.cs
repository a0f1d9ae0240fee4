using Hive.Common.Errors;
using Hive.Protocol;

namespace Hive.Runtimes.ContainerApi;

/// <summary>What a daemon can do for a container here.</summary>
/// <param name="User">As whom what is inside has the rights of Hive's own user on the host's files.</param>
/// <param name="Memory">Limit its memory.</param>
/// <param name="Swap">Limit its swap.</param>
/// <param name="Cpu">Limit its share of the processors.</param>
/// <param name="Pids">Limit the number of its processes.</param>
/// <param name="Init">Put a first process into it that reaps what agents leave behind.</param>
internal sealed record DaemonAbilities(string User, bool Memory, bool Swap, bool Cpu, bool Pids, bool Init)
{
    /// <summary>Which limits it cannot enforce, for a person; null when it can all.</summary>
    public string? Weakness =>
        Unlimited() switch
        {
            [] => null,
            [var one] => $"the limit of its {one} is not enforced: the container's daemon cannot here",
            [.. var some, var last] =>
                $"the limits of {string.Join(", ", some)} and {last} are not enforced: the container's daemon cannot here",
        };

    private string[] Unlimited() =>
        [
            .. new[] { (Memory, "memory"), (Cpu, "processor time"), (Pids, "number of processes") }
                .Where(l => !l.Item1)
                .Select(l => l.Item2),
        ];
}

/// <summary>Runs the harness once in a container that is thrown away, and so finds out what a daemon can do
/// here.</summary>
internal sealed class ContainerTrial(ContainerApi api, string image, string instance)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>What it can do; null until a trial has worked.</summary>
    public DaemonAbilities? Found { get; private set; }

    /// <summary>Why it does not work, with what helps; null when it does.</summary>
    public async Task<string?> Run()
    {
        if (HarnessBinary.Fault is { } missing)
            return missing;
        try
        {
            await api.Ping(CancellationToken.None);
            if (await api.Image(image, CancellationToken.None) is null)
                return NoImage();
            foreach (var left in await api.List([Label], CancellationToken.None))
                await api.Remove(left.Id, CancellationToken.None);
            var info = await api.Info(CancellationToken.None);
            var user =
                Environment.IsPrivilegedProcess || info.IsRootless ? "0:0" : $"{Native.UserId()}:{Native.GroupId()}";
            return await TryAll(
                new DaemonAbilities(
                    user,
                    info.MemoryLimit,
                    info.SwapLimit,
                    info.CpuCfsQuota,
                    info.PidsLimit,
                    Init: true
                )
            );
        }
        catch (Problem e)
        {
            return e.Message;
        }
    }

    private string Label => $"{ContainerRecipe.Trial}={instance}";

    private string NoImage() =>
        image.StartsWith("localhost/", StringComparison.Ordinal)
            ? $"{api.Daemon.Name} has no image '{image}'; make it with `{api.Daemon.Name} build -t {image} containers` in Hive's folder, or name another one with the key Image"
            : $"{api.Daemon.Name} has no image '{image}'; get it with `{api.Daemon.Name} pull {image}`, or name another one with the key Image";

    // A daemon promises more than it can keep where a user's session has only some control groups, and its first
    // process is a package of its own.
    private async Task<string?> TryAll(DaemonAbilities promised)
    {
        var bare = promised with { Memory = false, Swap = false, Cpu = false, Pids = false };
        string? refusal = null;
        foreach (
            var can in Less(promised)
                .SelectMany(can => new[] { can, can with { Init = false } })
                .Append(bare)
                .Append(bare with { Init = false })
                .Distinct()
        )
        {
            try
            {
                if (await Try(can) is { } fault)
                    return fault;
                Found = can;
                return null;
            }
            catch (Problem e)
            {
                refusal = e.Message;
            }
        }

        return refusal;
    }

    private static DaemonAbilities[] Less(DaemonAbilities all) =>
        [all, all with { Pids = false }, all with { Cpu = false }, all with { Cpu = false, Pids = false }];

    // Throws what the daemon refuses, which it may do less of when it is asked for less.
    private async Task<string?> Try(DaemonAbilities can)
    {
        var began = await api.Ping(CancellationToken.None);
        var id = await api.Create(
            $"hive-{instance}-trial-{Guid.NewGuid().ToString("N")[..8]}",
            ContainerRecipe.ForTrial(image, instance, can),
            CancellationToken.None
        );
        try
        {
            await api.Start(id, CancellationToken.None);
            var code = await api.Wait(id, Patience, CancellationToken.None);
            if (code == HarnessProbe.Breached)
                return HarnessBinary.NoIsolation(await LastWords(id));
            if (code != 0)
                return $"the harness ended with {code} in a container of '{image}' ({await LastWords(id)}); it needs an image with glibc and libstdc++, as Debian's are";
            return await Tells(id, began)
                ? null
                : $"{api.Daemon.Name} does not tell what happens to its containers; set `events_logger` in containers.conf to journald or file";
        }
        finally
        {
            await api.Remove(id, CancellationToken.None);
        }
    }

    private async Task<string> LastWords(string id)
    {
        using var limit = new CancellationTokenSource(Patience);
        return string.Join(' ', await ContainerOutput.Tail(api, id, 5, null, limit.Token)) is { Length: > 0 } said
            ? said
            : "it said nothing";
    }

    private async Task<bool> Tells(string id, DateTimeOffset began)
    {
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            await foreach (var happened in api.Events(Label, began, limit.Token))
            {
                if (happened.Action == ContainerEvents.Die && happened.Actor?.Id == id)
                    return true;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or Problem or IOException)
        {
            // It keeps no events, or has none to tell.
        }

        return false;
    }
}
