namespace Hive.Protocol;

/// <summary>The stable word in every refusal, the same at each door.</summary>
public enum ErrorCode
{
    /// <summary>The request itself is wrong; the same request will fail again.</summary>
    Invalid,

    /// <summary>What the request names does not exist.</summary>
    NotFound,

    /// <summary>The request came too late or against the present state.</summary>
    Conflict,

    /// <summary>The caller may not do this.</summary>
    Forbidden,

    /// <summary>Something is over a limit; the message names the size and the limit.</summary>
    TooLarge,

    /// <summary>Hive cannot do it now (disk full, stopping); nothing was stored, try again.</summary>
    Unavailable,

    /// <summary>No such command on this socket.</summary>
    UnknownCommand,

    /// <summary>A fault of Hive's own; its log has the detail.</summary>
    Internal,
}
