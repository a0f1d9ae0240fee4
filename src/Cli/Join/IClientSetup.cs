namespace Hive.Cli.Join;

/// <summary>Adds an agent to the configuration of one kind of client, and removes it.</summary>
internal interface IClientSetup
{
    /// <summary>The client's display name.</summary>
    string Title { get; }

    /// <summary>The next step for the operator after the configuration is written.</summary>
    string Next { get; }

    /// <summary>The changes that make the clients of a folder the agent.</summary>
    /// <exception cref="Hive.Protocol.HiveException">A file cannot be changed.</exception>
    IReadOnlyList<FileChange> Add(McpServer server, string folder);

    /// <summary>The changes that undo those of <see cref="Add"/>.</summary>
    /// <exception cref="Hive.Protocol.HiveException">A file cannot be changed.</exception>
    IReadOnlyList<FileChange> Remove(McpServer server, string folder);
}
