namespace Hive.Protocol;

/// <summary>The stable code of a refusal, the same at each door.</summary>
public enum ErrorCode
{
    /// <summary>The request itself is invalid; the same request will fail again.</summary>
    Invalid,

    /// <summary>Something that the request names does not exist.</summary>
    NotFound,

    /// <summary>The request came too late, or contradicts the current state.</summary>
    Conflict,

    /// <summary>The caller may not do this.</summary>
    Forbidden,

    /// <summary>Something is over a limit; the message names both.</summary>
    TooLarge,

    /// <summary>Hive cannot do it now (disk full, stopping); nothing was stored, try again.</summary>
    Unavailable,

    /// <summary>A share or a store is used up; nothing was stored. The answer may say when to try again.</summary>
    Limited,

    /// <summary>The command is unknown on this socket.</summary>
    UnknownCommand,

    /// <summary>An internal error; see the host log.</summary>
    Internal,
}
