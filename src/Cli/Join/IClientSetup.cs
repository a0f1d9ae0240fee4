namespace Hive.Cli.Join;

/// <summary>Writes an agent into the configuration of one kind of client, and takes it out again.</summary>
internal interface IClientSetup
{
    /// <summary>The client's name, for people.</summary>
    string Title { get; }

    /// <summary>Its next step, once the configuration is written.</summary>
    string Next { get; }

    /// <summary>The changes that make the clients of a folder an agent.</summary>
    /// <exception cref="Hive.Protocol.HiveException">A file cannot be changed.</exception>
    IReadOnlyList<FileChange> Add(McpServer server, string folder);

    /// <summary>The changes that undo those of <see cref="Add"/>.</summary>
    /// <exception cref="Hive.Protocol.HiveException">A file cannot be changed.</exception>
    IReadOnlyList<FileChange> Remove(McpServer server, string folder);
}
