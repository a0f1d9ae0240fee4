namespace Hive.Host;

/// <summary>Why the host cannot start here, and the flag or step that helps.</summary>
internal sealed class StartupProblem(string message, Exception? inner = null) : Exception(message, inner);
