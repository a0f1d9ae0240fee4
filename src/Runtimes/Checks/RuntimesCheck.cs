using Hive.Common.Doctor;
using Hive.Common.Errors;
using Hive.Protocol;
using Hive.Runtimes.Limits;

namespace Hive.Runtimes.Checks;

/// <summary>Tries each runtime, says which one new agents get and why, and whether limits hold.</summary>
internal sealed class RuntimesCheck(RuntimeCatalog runtimes, ResourceLimits limits) : ICheck
{
    private const string Topic = "runtimes";

    public async Task<IReadOnlyList<Finding>> Run(CancellationToken ct)
    {
        KeptTrial.ForgetInThisFlow();
        IRuntime[] all = [.. runtimes.All.OrderBy(r => Place(r.Name)).ThenBy(r => r.Name, StringComparer.Ordinal)];
        var faults = await Task.WhenAll(all.Select(r => r.FindFault(ct)));
        var weaknesses = await Task.WhenAll(
            all.Zip(
                faults,
                (r, fault) =>
                    fault is null ? r.AllWeaknesses(NetworkAccess.Outbound, ct) : Task.FromResult<string?>(null)
            )
        );
        List<Finding> found = [.. all.Select((runtime, i) => Of(runtime, faults[i], weaknesses[i]))];
        var working = all.Where((_, i) => faults[i] is null).Select(r => r.Name).ToArray();
        var full = all.Where((r, i) => faults[i] is null && (weaknesses[i] is null || IsFirst(r))).Select(r => r.Name);
        found.Add(Chosen(working, [.. full]));
        found.Add(
            await limits.FindFault(ct) is { } unlimited
                ? new Finding(
                    Topic,
                    "limits",
                    FindingState.Absent,
                    $"on sandbox, nspawn and process {unlimited}",
                    "Agents run without limits too; to enforce them, run Hive as root, under systemd, "
                        + "or where it can write to the control groups."
                )
                : new Finding(Topic, "limits", FindingState.Ok, "memory and CPU of agents are limited")
        );
        return found;
    }

    private static int Place(string runtime) =>
        RuntimeCatalog.Automatic.Contains(runtime) ? RuntimeCatalog.Automatic.ToList().IndexOf(runtime) : int.MaxValue;

    private static Finding Of(IRuntime runtime, Fault? fault, string? weakness)
    {
        if (fault is not null)
            return new Finding(Topic, runtime.Name, FindingState.Absent, fault.Reason, fault.Fix);
        var how =
            Place(runtime.Name) == int.MaxValue ? "works, without any isolation: used only when it is named"
            : weakness is null ? "works"
            : $"works; {weakness}";
        return new Finding(Topic, runtime.Name, FindingState.Ok, how);
    }

    private static bool IsFirst(IRuntime runtime) => runtime.Name == RuntimeCatalog.Automatic[0];

    private Finding Chosen(string[] working, string[] full)
    {
        const string Name = "new agents";
        var order = string.Join(", ", RuntimeCatalog.Automatic);
        var best =
            RuntimeCatalog.Automatic.FirstOrDefault(full.Contains)
            ?? RuntimeCatalog.Automatic.FirstOrDefault(working.Contains);
        if (runtimes.Configured is { } named && runtimes.Find(named) is not null && !working.Contains(named))
            return new Finding(
                Topic,
                Name,
                FindingState.Failed,
                $"would get '{named}', as the option Runtime says, which does not work here",
                best is null ? "Fix it: see above." : $"Fix it, or remove the option Runtime: then they get '{best}'."
            );

        if (best is null)
        {
            return new Finding(
                Topic,
                Name,
                FindingState.Failed,
                $"no runtime that isolates works here (tried: {order})",
                "Fix one of them: bubblewrap for 'sandbox' is the smallest. 'process' runs agents without isolation, "
                    + "when the option Runtime names it."
            );
        }

        return runtimes.Configured is { } chosen
            ? new Finding(
                Topic,
                Name,
                FindingState.Ok,
                $"get '{chosen}', as the option Runtime says; auto would choose '{best}'"
            )
            : new Finding(Topic, Name, FindingState.Ok, $"get '{best}', the first without a weakness of {order}");
    }
}
