namespace Hive.Tests.Fixture;

/// <summary>Checks for tools and rights that not every machine has.</summary>
internal static class Requires
{
    /// <summary>
    /// Skips the test when something is missing, or fails it where no test may be skipped (<c>HIVE_REQUIRE_ALL</c>).
    /// </summary>
    public static void That(bool there, string otherwise)
    {
        if (there)
            return;
        Assert.True(string.IsNullOrEmpty(Environment.GetEnvironmentVariable("HIVE_REQUIRE_ALL")), otherwise);
        Assert.Skip(otherwise);
    }
}
