using Hive.Agent.Login;

namespace Hive.Agent.Tests;

public sealed class SecretsTests
{
    private readonly Secrets secrets = new();

    public SecretsTests() => secrets.Add("aBc-123_xyz#state-of-it");

    [Theory]
    [InlineData("code: aBc-123_xyz#state-of-it!", "code: …!")]
    [InlineData("aBc-123_xyz#state-of-it", "…")]
    [InlineData("p aBc-123_\r\n  xyz#state-of-it", "p …")]
    [InlineData("│ aBc-123_xyz# │\n│ state-of-it  │", "│ …  │")]
    [InlineData("aBc-123_ aBc-123_x aBc-123_xyz#", "… … …")]
    [InlineData("… xyz#state-of-it", "… …")]
    [InlineData("aBc-123 and nothing else", "aBc-123 and nothing else")]
    public void What_was_typed_is_hidden_however_much_of_it_comes_back(string output, string shown) =>
        Assert.Equal(shown, secrets.Hide(output));

    [Fact]
    public void What_is_too_short_to_be_a_secret_hides_nothing()
    {
        secrets.Add("yes");
        Assert.Equal("yes or no", secrets.Hide("yes or no"));
    }
}
