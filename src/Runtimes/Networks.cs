using Hive.Common.Errors;

namespace Hive.Runtimes;

/// <summary>The words about a container's network, the same on every runtime.</summary>
internal static class Networks
{
    /// <summary>The fault of a runtime whose containers are in the machine's network.</summary>
    public static Fault Unsupported { get; } = new("this runtime has no other");

    /// <summary>The fault of a machine that is connected to nothing, perhaps not yet.</summary>
    public static Fault NoRoute { get; } =
        new("the machine has no route to the outside", "connect it, then restart the agent");

    /// <summary>The fault of a runtime that isolated agents better before.</summary>
    /// <param name="lost">The missing ability.</param>
    public static Fault NotNow(Fault lost) =>
        new(
            $"it cannot isolate agents as it did before: {lost.Reason}",
            "try again, or restart Hive to let it run them with less"
        );

    /// <summary>The network that a container gets.</summary>
    /// <param name="network">The network that its agent.yaml asks for.</param>
    /// <param name="fault">Why the runtime cannot give it one of its own; null when it can.</param>
    public static NetworkAccess Given(NetworkAccess network, Fault? fault) =>
        network != NetworkAccess.Outbound || fault is null ? network
        : fault == NoRoute ? NetworkAccess.None
        : NetworkAccess.Host;

    /// <summary>The weakness of a container's network; null for none.</summary>
    /// <param name="network">The network that its agent.yaml asks for.</param>
    /// <param name="fault">Why the runtime cannot give it one of its own; null when it can.</param>
    public static string? Weakness(NetworkAccess network, Fault? fault) =>
        network switch
        {
            NetworkAccess.Host => "it uses the machine's network, as its agent.yaml says",
            NetworkAccess.Outbound when fault == NoRoute => $"it reaches nothing outside: {fault}",
            NetworkAccess.Outbound when fault is not null => $"it uses the machine's network: {fault}",
            _ => null,
        };

    /// <summary>Both weaknesses of a run, for its row; null for none.</summary>
    public static async Task<string?> AllWeaknesses(
        this IRuntime runtime,
        NetworkAccess network,
        CancellationToken ct
    ) => Join(await runtime.FindWeakness(ct), await runtime.FindNetworkWeakness(network, ct));

    /// <summary>Lists weaknesses; null for none.</summary>
    public static string? Join(params IEnumerable<string?> all) =>
        string.Join("; ", all.OfType<string>()) is { Length: > 0 } some ? some : null;

    /// <summary>The refusal of a container that may not reach the machine's network.</summary>
    public static Problem CannotDoWithout(string agent, string runtime) =>
        Problem.Invalid(
            $"{agent}: agent.yaml has 'network: none' or a list of hosts, and the runtime '{runtime}' cannot keep the "
                + "machine's network from it; remove the key, or use 'sandbox', 'nspawn', 'podman' or 'docker'"
        );
}
