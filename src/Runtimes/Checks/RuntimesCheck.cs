using Hive.Common.Doctor;
using Hive.Protocol;

namespace Hive.Runtimes.Checks;

/// <summary>Which runtimes work here, by trying each; which one new agents get, and why; whether limits hold.</summary>
internal sealed class RuntimesCheck(Runtimes runtimes, ResourceLimits limits) : ICheck
{
    private const string Topic = "runtimes";

    public async Task<IReadOnlyList<Finding>> Run(CancellationToken ct)
    {
        KeptTrial.ForgetInThisFlow();
        IRuntime[] all = [.. runtimes.All.OrderBy(r => Place(r.Name)).ThenBy(r => r.Name, StringComparer.Ordinal)];
        var faults = await Task.WhenAll(all.Select(r => r.Fault(ct)));
        var weaknesses = await Task.WhenAll(
            all.Zip(faults, (r, fault) => fault is null ? r.Weakness(ct) : Task.FromResult<string?>(null))
        );
        List<Finding> found = [.. all.Select((runtime, i) => Of(runtime, faults[i], weaknesses[i]))];
        var working = all.Where((_, i) => faults[i] is null).Select(r => r.Name).ToArray();
        found.Add(Chosen(working));
        found.Add(
            await limits.Fault(ct) is { } unlimited
                ? new Finding(
                    Topic,
                    "limits",
                    FindingState.Absent,
                    $"on sandbox, nspawn and process {unlimited}",
                    "Run Hive as root, or under systemd, or where the control groups can be written; agents run without it too."
                )
                : new Finding(Topic, "limits", FindingState.Ok, "memory and CPU of agents are limited")
        );
        return found;
    }

    private static int Place(string runtime) =>
        Runtimes.Automatic.Contains(runtime) ? Runtimes.Automatic.ToList().IndexOf(runtime) : int.MaxValue;

    private static Finding Of(IRuntime runtime, string? fault, string? weakness)
    {
        if (fault is null)
        {
            var how =
                Place(runtime.Name) == int.MaxValue ? "works, without any isolation: used only when it is named"
                : weakness is null ? "works"
                : $"works; {weakness}";
            return new Finding(Topic, runtime.Name, FindingState.Ok, how);
        }

        var cut = fault.LastIndexOf("; ", StringComparison.Ordinal);
        return cut < 0
            ? new Finding(Topic, runtime.Name, FindingState.Absent, fault)
            : new Finding(Topic, runtime.Name, FindingState.Absent, fault[..cut], fault[(cut + 2)..]);
    }

    private Finding Chosen(string[] working)
    {
        const string Name = "new agents";
        var order = string.Join(", ", Runtimes.Automatic);
        var best = Runtimes.Automatic.FirstOrDefault(working.Contains);
        if (runtimes.Configured is { } named && runtimes.Find(named) is not null && !working.Contains(named))
            return new Finding(
                Topic,
                Name,
                FindingState.Failed,
                $"would get '{named}', as Runtime says, which does not work here",
                best is null ? "Mend it: see above." : $"Mend it, or leave Runtime out: then they get '{best}'."
            );

        if (best is null)
        {
            return new Finding(
                Topic,
                Name,
                FindingState.Failed,
                $"no runtime that isolates works here (tried: {order})",
                "Mend one of them: bubblewrap for 'sandbox' is the smallest. 'process' runs agents without isolation, when Runtime names it."
            );
        }

        return runtimes.Configured is { } chosen
            ? new Finding(Topic, Name, FindingState.Ok, $"get '{chosen}', as Runtime says; auto would pick '{best}'")
            : new Finding(Topic, Name, FindingState.Ok, $"get '{best}': the first that works of {order}");
    }
}
