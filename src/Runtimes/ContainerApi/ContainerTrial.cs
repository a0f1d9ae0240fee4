using Hive.Common.Errors;
using Hive.Common.Linux;
using Hive.Protocol;
using Hive.Runtimes.Local;

namespace Hive.Runtimes.ContainerApi;

/// <summary>Runs the harness once in a temporary container, to find out the daemon's abilities.</summary>
internal sealed class ContainerTrial(DaemonApi api, AgentVolumes volumes, string image, string instance)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Mount harness = new(HarnessBinary.Folder, HarnessBinary.FolderInContainer, Writable: false);

    // The user and the filter of the containers that are being tried, and how they see the harness.
    private uint trialUser;
    private string? trialFilter;
    private Mount trialMount = new(HarnessBinary.Folder, HarnessBinary.FolderInContainer, Writable: false);

    /// <summary>The daemon's abilities; null until a trial has succeeded.</summary>
    public DaemonAbilities? Found { get; private set; }

    /// <summary>The daemon can do less than it promised.</summary>
    public bool IsLess { get; private set; }

    /// <summary>Finds out why the daemon cannot run agents; null when it can.</summary>
    public async Task<Fault?> Run()
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
                Environment.IsPrivilegedProcess || info.IsRootless
                    ? "0:0"
                    : $"{LinuxProcess.UserId}:{LinuxProcess.GroupId}";
            DaemonAbilities promised = new(
                user,
                info.MemoryLimit,
                info.SwapLimit,
                info.CpuCfsQuota,
                info.PidsLimit,
                OpenFiles: true,
                Init: true,
                api.Daemon.Networks[0],
                NoUser: null,
                SystemCallFilter.ForDaemon(!api.Daemon.KnowsDefaultError, out var noFilter),
                noFilter
            )
            {
                HasUsers = Environment.IsPrivilegedProcess && !info.IsRootless,
            };
            using var own = LaunchFolder.ForTrial();
            trialFilter = api.Daemon.FilterIn(own, promised.Filter);
            var fault = await TryWithUsers(promised);
            IsLess = fault is null && (Found != promised || noFilter is not null);
            return fault;
        }
        catch (Problem e)
        {
            return e.Fault;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Fault($"its trial needs a temporary folder: {e.Message}");
        }
    }

    // With a user of its own for the agent first, and as root where that is refused. A fault that may pass does not
    // make agents root, and neither does any fault once they were users: an agent may have caused it.
    private async Task<Fault?> TryWithUsers(DaemonAbilities promised)
    {
        if (!promised.HasUsers)
            return (await TryWithFilter(promised)).Fault;
        Outcome outcome;
        try
        {
            outcome = await volumes.Try(
                harness,
                async (user, mapped) =>
                {
                    (trialUser, trialMount) = (user, mapped);
                    return await TryWithFilter(promised);
                }
            );
            if (outcome.Fault is null)
                return null;
            outcome = outcome with { Fault = new Fault($"{api.Daemon.Name} fails as another user ({Told(outcome)})") };
        }
        catch (IOException e)
        {
            outcome = new Outcome(new Fault(e.Message), MappedFolders.IsRefusal(e));
        }

        trialMount = harness;
        return outcome.IsRefusal && Found?.HasUsers != true
            ? (await TryWithFilter(promised with { HasUsers = false, NoUser = outcome.Fault })).Fault
            : new Fault(
                $"it cannot run agents as users of their own now: {outcome.Fault!.Reason}",
                "try again, or restart Hive to let it run them as root"
            );
    }

    // With the filter first, and with the daemon's own where it refuses that, or the harness does not run with it, and
    // neither has worked before. Tried with the filter once more at the end, because a busy daemon refuses for a time.
    private async Task<Outcome> TryWithFilter(DaemonAbilities promised)
    {
        var outcome = await TryWithNetworks(promised);
        if (!outcome.MayBeOfFilter || promised.Filter is null || Found?.Filter is not null)
            return outcome;
        var refused = new Fault(
            outcome.IsRefusal ? $"{api.Daemon.Name} refuses another one ({Told(outcome)})" : Told(outcome)
        );
        var second = await TryWithNetworks(promised with { Filter = null, NoFilter = refused });
        if (second.Fault is not null)
            return outcome;
        var can = Found! with { Filter = promised.Filter, NoFilter = null };
        var again = await Try(can);
        if (again.Fault is null)
            Found = can;
        return again.MayBeOfFilter ? second : again;
    }

    private async Task<Outcome> TryWithNetworks(DaemonAbilities promised)
    {
        var outcome = await Try(promised);
        if (outcome.Fault is null)
            Found = promised;
        if (!outcome.IsRefusal)
            return outcome;
        // Where one that asks for nothing else is refused too, neither limits nor networks are at fault.
        var least = await Try(promised.Bare with { Init = false, Network = DaemonAbilities.HostNetwork });
        if (least.Fault is not null)
            return least.IsRefusal ? outcome : least;
        outcome = await TryAll(promised);
        return outcome.IsRefusal ? await TryNetworks(promised, outcome) : outcome;
    }

    // Without the part of the path that differs between trials.
    private string Told(Outcome outcome) =>
        outcome.Fault!.Reason.Replace(Path.GetDirectoryName(trialMount.Source)!, "…", StringComparison.Ordinal);

    private string Label => $"{ContainerRecipe.Trial}={instance}";

    private Fault NoImage() =>
        new(
            $"{api.Daemon.Name} has no image '{image}'",
            (
                image.StartsWith("localhost/", StringComparison.Ordinal)
                    ? $"build it with `{api.Daemon.Name} build -t {image} containers` in Hive's folder"
                    : $"get it with `{api.Daemon.Name} pull {image}`"
            ) + ", or set another one with the option Image"
        );

    // A daemon promises more than it can do where a user's session has only some control groups; and the first process
    // that reaps is a package of its own.
    private async Task<Outcome> TryAll(DaemonAbilities promised)
    {
        var bare = promised.Bare;
        var last = Outcome.Success;
        foreach (
            var can in promised
                .Less.SelectMany(can => new[] { can, can with { Init = false } })
                .Append(bare)
                .Append(bare with { Init = false })
                .Distinct()
        )
        {
            last = await Try(can);
            if (last.Fault is null)
                Found = can;
            if (!last.IsRefusal)
                return last;
        }

        return last;
    }

    // Some daemons lack the program that connects their containers.
    private async Task<Outcome> TryNetworks(DaemonAbilities promised, Outcome first)
    {
        foreach (var network in api.Daemon.Networks.Skip(1).Append(DaemonAbilities.HostNetwork))
        {
            var bare = promised.Bare with { Network = network };
            foreach (var can in new[] { bare, bare with { Init = false } })
            {
                if (!(await Try(can)).IsRefusal)
                    return await TryAll(promised with { Network = network });
            }
        }

        // The first refusal is the one that is told.
        return first;
    }

    // A daemon that refuses a container may accept one that asks for less. One that does not answer has refused
    // nothing.
    private async Task<Outcome> Try(DaemonAbilities can)
    {
        var began = await api.Ping(CancellationToken.None);
        string? id = null;
        try
        {
            id = await api.Create(
                $"hive-{instance}-trial-{Guid.NewGuid().ToString("N")[..8]}",
                ContainerRecipe.ForTrial(
                    api.Daemon,
                    image,
                    instance,
                    trialUser,
                    trialMount,
                    can,
                    can.Filter is null ? null : trialFilter
                ),
                CancellationToken.None
            );
            await api.Start(id, CancellationToken.None);
        }
        catch (Problem e) when (e.InnerException is null)
        {
            if (id is not null)
                await api.Remove(id, CancellationToken.None);
            return new Outcome(e.Fault, IsRefusal: true);
        }

        return await Watch(id, began);
    }

    private async Task<Outcome> Watch(string id, DateTimeOffset began)
    {
        try
        {
            var code = await api.Wait(id, Patience, CancellationToken.None);
            if (code == HarnessProbe.NotApplied)
                return new Outcome(new Fault(await LastOutput(id)), IsRefusal: true);
            if (code == HarnessProbe.Breached)
                return new Outcome(HarnessBinary.NoIsolation(await LastOutput(id)));
            if (code != 0)
                return new Outcome(
                    new Fault(
                        $"the harness ended with {code} in a container of '{image}' ({await LastOutput(id)})",
                        "it needs an image with glibc and libstdc++, such as Debian's"
                    ),
                    HasEnded: true
                );
            if (await SendsEvents(id, began))
                return Outcome.Success;
            const string Fix = "set `events_logger` in containers.conf to journald or file";
            return new Outcome(new Fault($"{api.Daemon.Name} sends no events of its containers", Fix));
        }
        finally
        {
            await api.Remove(id, CancellationToken.None);
        }
    }

    private async Task<string> LastOutput(string id)
    {
        using var limit = new CancellationTokenSource(Patience);
        return string.Join(' ', await ContainerOutput.Tail(api, id, 5, null, limit.Token)) is { Length: > 0 } said
            ? said
            : "it printed nothing";
    }

    private async Task<bool> SendsEvents(string id, DateTimeOffset began)
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
            // The daemon keeps no events.
        }

        return false;
    }

    // The result of one container: the daemon refused it, or the harness ended with an error, or something else failed.
    private sealed record Outcome(Fault? Fault, bool IsRefusal = false, bool HasEnded = false)
    {
        public bool MayBeOfFilter => IsRefusal || HasEnded;

        public static Outcome Success { get; } = new(Fault: null);
    }
}
