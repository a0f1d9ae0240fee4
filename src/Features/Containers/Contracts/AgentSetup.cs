using Hive.Common.Storage;

namespace Hive.Features.Containers.Contracts;

/// <summary>The parts of a new agent that its creator decides.</summary>
/// <param name="Files">Its first configuration by file name, <c>agent.yaml</c> among them; null for the default one, or
/// for the one that is kept of an earlier agent of its name.</param>
/// <param name="Store">Runs in the write that puts the agent on the roster, after that.</param>
/// <param name="Revived">It takes back what the destruction of an earlier agent of its name set aside.</param>
internal sealed record AgentSetup(
    IReadOnlyDictionary<string, string>? Files = null,
    Action<IWrite>? Store = null,
    bool Revived = false
);
