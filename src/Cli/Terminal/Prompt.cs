namespace Hive.Cli.Terminal;

/// <summary>Reads what somebody types. Unlike the console's own methods, these end with Ctrl-C.</summary>
internal static class Prompt
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Reads a line; null at the end of the input.</summary>
    public static Task<string?> LineAsync(CancellationToken ct) => Task.Run(Console.ReadLine, ct).WaitAsync(ct);

    /// <summary>Reads a key, without showing it.</summary>
    public static async Task<char> KeyAsync(CancellationToken ct)
    {
        while (!Console.KeyAvailable)
            await Task.Delay(Pause, ct);
        return Console.ReadKey(intercept: true).KeyChar;
    }

    /// <summary>Forgets keys that were typed ahead.</summary>
    public static void Forget()
    {
        while (Console.KeyAvailable)
            Console.ReadKey(intercept: true);
    }
}
