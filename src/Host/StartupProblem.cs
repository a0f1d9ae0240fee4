namespace Hive.Host;

/// <summary>The reason why the host cannot start, and the flag or step that helps.</summary>
internal sealed class StartupProblem(string message, Exception? inner = null) : Exception(message, inner);
